"""What `mai plugin install` tells of a plugin, and what it refuses, before any code of it runs."""

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from mai import __version__
from mai.errors import Refused
from mai.programs import uv

from tests.conftest import Mai
from tests.plugins.homes import build, write_plugin, write_repository

_BACKEND = """
from pathlib import Path
Path({ran!r}).touch()
"""


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """Exists once code of `armed` has run."""
    return tmp_path / "ran"


@pytest.fixture
def armed(tmp_path: Path, ran: Path) -> Path:
    """A plugin whose import leaves a file behind, and whose build does."""
    folder = write_repository(tmp_path / "sundial", "sundial")
    trap = _BACKEND.format(ran=str(ran))
    (folder / "backend.py").write_text(trap, encoding="utf-8")
    (folder / "mai_sundial/plugin.py").write_text(trap, encoding="utf-8")
    return folder


def arm_build(folder: Path) -> None:
    pyproject = folder / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8").replace("hatchling.build", "backend")
    text = text.replace("[project]", 'backend-path = ["."]\n\n[project]', 1)
    pyproject.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("kind", ["folder", "wheel", "sdist", "git"])
def test_what_it_adds_is_told_and_none_of_its_code_runs(
    mai: Mai, armed: Path, ran: Path, tmp_path: Path, kind: str
) -> None:
    source = str(armed)
    if kind == "wheel":
        source = str(build(armed, tmp_path / "built"))
    else:
        arm_build(armed)
    if kind == "sdist":
        source = str(tmp_path / "mai_sundial-1.0.tar.gz")
        with tarfile.open(source, "w:gz") as archive:
            archive.add(armed, "mai_sundial-1.0")
    if kind == "git":
        commit = ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qam", "Arm it"]
        subprocess.run(["git", *commit], cwd=armed, check=True)
        source = f"git+{armed.as_uri()}"
    told = mai("plugin", "install", source, "--dry-run", "--json").json()
    assert (told["distribution"], told["version"]) == ("mai-sundial", "1.0")
    assert told["components"] == ["tool/sundial"]
    assert told["requires"] == ["mai-framework"]
    assert not ran.exists()


def test_a_revision_and_a_subfolder_of_a_repository_are_what_is_read(
    mai: Mai, tmp_path: Path
) -> None:
    root = write_repository(tmp_path / "repository", "compass")
    shutil.copytree(root, tmp_path / "all/plugins/compass", ignore=shutil.ignore_patterns(".git"))
    write_repository(tmp_path / "all", "sundial")
    (tmp_path / "all/pyproject.toml").unlink()
    url = f"git+{(tmp_path / 'all').as_uri()}@v1#subdirectory=plugins/compass"
    told = mai("plugin", "install", url, "--dry-run", "--json").json()
    assert told["components"] == ["tool/compass"]


def test_nobody_there_is_no_consent(mai: Mai, tmp_path: Path) -> None:
    said = mai("plugin", "install", write_plugin(tmp_path / "sundial", "sundial"), expect=1)
    assert "adds tool/sundial" in said.stderr
    assert "its code runs as part of mai, with your rights" in said.stderr
    assert said.stderr.endswith(" hint: if you trust it: --yes\n")


def test_a_missing_uv_is_named(mai: Mai, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uv, "find", _not_found)
    said = mai("plugin", "install", "mai-sundial", expect=1)
    assert "plugins of this mai are installed with it" in said.stderr
    assert said.stderr.endswith(" hint: install uv (https://docs.astral.sh/uv/)\n")


def _not_found() -> str:
    raise Refused("uv was not found")


def test_a_plugin_for_another_mai_is_refused_before_mai_is_replaced(
    mai: Mai, tmp_path: Path
) -> None:
    source = write_plugin(tmp_path / "sundial", "sundial", needs="mai-framework>=99")
    said = mai("plugin", "install", source, expect=1)
    assert f"mai-sundial is for mai >=99, this is mai {__version__}" in said.stderr


def test_what_is_no_plugin_is_refused(mai: Mai, tmp_path: Path) -> None:
    source = write_plugin(tmp_path / "sundial", "sundial")
    pyproject = source / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8").partition("[project.entry-points")[0]
    pyproject.write_text(text, encoding="utf-8")
    assert "mai-sundial is no plugin of mai" in mai("plugin", "install", source, expect=1).stderr
    pyproject.unlink()
    assert "build a wheel" in mai("plugin", "install", source, expect=1).stderr


def test_a_component_that_cannot_be_used_is_told_before(mai: Mai, tmp_path: Path) -> None:
    source = write_plugin(tmp_path / "sundial", "sundial")
    (source / "mai_sundial/sundial/component.toml").write_text("api = 1\n", encoding="utf-8")
    said = mai("plugin", "install", source, "--dry-run")
    assert "component.toml: id: Field required" in said.stderr


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["./nowhere"], "there is no './nowhere'"),
        (["mai sundial"], "'mai sundial': "),
        (["--editable", "mai-sundial"], "expected a folder"),
    ],
)
def test_what_cannot_be_meant_is_told(mai: Mai, argv: list[str], told: str) -> None:
    assert told in mai("plugin", "install", *argv, expect=2).stderr


def test_mai_itself_is_not_uninstalled_nor_what_is_no_plugin(mai: Mai) -> None:
    assert "mai itself" in mai("plugin", "uninstall", "mai_framework", expect=1).stderr
    assert "no plugin 'pytest'" in mai("plugin", "uninstall", "pytest", expect=2).stderr
