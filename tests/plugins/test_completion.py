"""What `<TAB>` offers, and what is imported for it: nothing of a plugin."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mai.commands import completion

from tests.conftest import Mai
from tests.plugins.conftest import COMPONENT, PLUGIN, Install, write_plugin

MARKING = "from pathlib import Path\nPath(__file__).parents[2].joinpath('imported').touch()\n\n"


@pytest.fixture(autouse=True)
def _own_cache(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setattr(completion, "user_cache_path", lambda _: tmp_path / "cache")


@pytest.fixture
def complete(mai: Mai, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """What bash is told for a line that ends where `<TAB>` was pressed."""

    def offered(line: str) -> list[str]:
        with monkeypatch.context() as patch:
            patch.setenv("_MAI_COMPLETE", "complete_bash")
            patch.setenv("COMP_WORDS", line)
            patch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
            return mai().stdout.split()

    return offered


def test_kinds_and_components_are_offered(
    mai: Mai, install: Install, complete: Callable[[str], list[str]]
) -> None:
    install("good", component=COMPONENT.format(name="good_one", title="Good"))
    mai("list")
    assert complete("mai add ") == ["agent", "auth", "feature", "tool"]
    assert complete("mai add to") == ["tool"]
    assert {"clock", "good-one"} <= set(complete("mai add tool "))
    assert complete("mai add tool go") == ["good-one"]
    assert complete("mai add agent mine --from agent/as") == ["agent/assistant"]
    assert complete("mai list f") == ["feature"]


def test_nothing_of_a_plugin_is_imported_for_help_version_and_completion(
    install: Install, tmp_path: Path
) -> None:
    install("good", MARKING + PLUGIN)
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "other"), "HOME": str(tmp_path)}

    def run(*argv: str, **more: str) -> str:
        command = [sys.executable, "-m", "mai", *argv]
        done = subprocess.run(command, env={**env, **more}, capture_output=True, check=True)
        return done.stdout.decode()

    run("list")
    (tmp_path / "imported").unlink()
    run("--help")
    run("--version")
    run("add", "--help")
    words = {"COMP_WORDS": "mai add tool g", "COMP_CWORD": "3", "_MAI_COMPLETE": "complete_bash"}
    assert run(**words).split() == ["good"]
    assert not (tmp_path / "imported").exists()


def test_what_was_installed_since_is_found_in_another_process(
    install: Install, tmp_path: Path
) -> None:
    install("good", MARKING + PLUGIN)
    call = "from mai.commands import completion; print(*completion.offered())"
    call += "; import sys; assert 'mai_good.plugin' not in sys.modules"
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "other"), "HOME": str(tmp_path)}
    said = subprocess.run([sys.executable, "-c", call], env=env, capture_output=True, check=True)
    assert "tool/good" in said.stdout.decode().split()
    assert (tmp_path / "imported").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda site: write_plugin(site, "other"),
        lambda site: shutil.rmtree(site / "mai_good.dist-info"),
        lambda site: write_plugin(site, "good", entry="another"),
        lambda site: os.utime(site / "mai_good/plugin.py", ns=(1, 1)),
        lambda site: os.utime(site / "mai_good/good/component.toml", ns=(1, 1)),
        lambda site: (site / "mai_good/second").mkdir(),
    ],
    ids=["installed", "uninstalled", "renamed", "plugin.py", "component.toml", "component"],
)
def test_a_list_is_made_anew_when_plugins_have_changed(
    mai: Mai, install: Install, site: Path, change: Callable[[Path], object]
) -> None:
    install("good")
    mai("list")
    assert "tool/good" in (completion._remembered() or {})
    change(site)
    assert completion._remembered() is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"places": PLACES, "sources": {}, "components": {"$(ls)": ""}}']
)
def test_a_list_that_cannot_be_read_is_not_trusted(mai: Mai, text: str) -> None:
    mai("list")
    text = text.replace("PLACES", json.dumps(completion._places()))
    completion._place().write_text(text, encoding="utf-8")
    assert completion._remembered() is None


def test_where_nothing_can_be_kept_nothing_is_missed(
    mai: Mai, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(completion, "user_cache_path", lambda _: tmp_path / "file")
    assert "tool clock" in mai("list").stdout
    assert completion.offered() == {}
