"""What `mai doctor` and `mai check` see, each with its mend."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from mai import __version__
from mai.plugins import loader
from mai.programs import uv

from tests.conftest import Mai


@pytest.fixture(scope="module")
def locked_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose lock is its own, made once."""
    root = tmp_path_factory.mktemp("made") / "shop"
    command = [sys.executable, "-m", "mai", "new", "shop", "--defaults", "--no-install"]
    subprocess.run([*command, "--no-git", "--into", root], check=True, capture_output=True)
    uv.lock(root)
    return root


@pytest.fixture
def project(
    mai: Mai, locked_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    root = tmp_path / "shop"
    shutil.copytree(locked_project, root)
    monkeypatch.chdir(root)
    return root


def failing(said: str) -> dict[str, str]:
    """Name -> how to mend it."""
    return {c["name"]: c["mend"] for c in json.loads(said)["checks"] if not c["ok"]}


def test_a_fresh_project_is_well(mai: Mai, project: Path) -> None:
    assert failing(mai("doctor", "--json").stdout) == {}
    assert "FAIL" not in mai("check").stdout


@pytest.mark.parametrize(
    ("made", "ok", "told"),
    [
        ("0.0.1", True, "is installed: mai update brings it"),
        ("99.0", False, "is installed, which is older"),
    ],
)
def test_another_version_of_mai_is_told_once(
    mai: Mai, project: Path, made: str, ok: bool, told: str
) -> None:
    lock = project / ".mai/lock.json"
    stated = json.loads(lock.read_text(encoding="utf-8"))
    stated["mai_version"] = made
    for locked in stated["instances"].values():
        locked["version"] = made
    lock.write_text(json.dumps(stated), encoding="utf-8")
    checks = mai("doctor", "--json", expect=0 if ok else 1).json()["checks"]
    (found,) = [one for one in checks if one["name"] == "mai"]
    assert (found["ok"], found["told"]) == (ok, f"the project is at {made}, {__version__} {told}")


def test_outside_of_a_project_it_looks_at_the_machine(mai: Mai) -> None:
    names = [check["name"] for check in mai("doctor", "--json").json()["checks"]]
    assert names == ["git", "uv"]


def test_a_missing_program_is_named(
    mai: Mai, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    assert failing(mai("doctor", "--json", expect=1).stdout)["git"].startswith("install git")


def test_a_stale_uv_lock_is_found(mai: Mai, project: Path) -> None:
    pyproject = project / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8").replace('"alembic>=', '"flask",\n    "alembic>=')
    pyproject.write_text(text, encoding="utf-8")
    assert failing(mai("check", "--json", expect=1).stdout) == {"uv.lock": "uv lock"}


def test_a_base_that_is_lost_is_restored_to_the_byte(mai: Mai, project: Path) -> None:
    base = project / ".mai/base.tar.gz"
    before = base.read_bytes()
    base.unlink()
    assert failing(mai("check", "--json", expect=1).stdout) == {"base": "mai doctor --fix"}
    mai("doctor", "--fix")
    assert base.read_bytes() == before


def test_a_base_that_is_beyond_restoring_can_be_taken_from_the_files(
    mai: Mai, project: Path
) -> None:
    lock = project / ".mai/lock.json"
    stated = json.loads(lock.read_text(encoding="utf-8"))
    stated["mai_version"] = "0.0.1"
    stated["files"]["README.md"]["sha"] = "0" * 40
    lock.write_text(json.dumps(stated), encoding="utf-8")
    (project / ".mai/base.tar.gz").write_bytes(b"not an archive")
    assert "run mai doctor" in mai("add", "tool", "weather", expect=1).stderr
    mend = failing(mai("doctor", "--json", expect=1).stdout)["base"]
    assert "mai-framework==0.0.1" in mend
    assert "--adopt" in mend
    mai("doctor", "--adopt")
    mai("add", "tool", "weather", "--no-install")
    assert (project / "src/shop/tools/weather.py").is_file()


def test_a_missing_plugin_is_named_and_the_project_goes_on(
    mai: Mai, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = loader.load_catalog()
    rest = {id_: one for id_, one in found.components.items() if id_ != "tool/clock"}
    monkeypatch.setattr(loader, "load_catalog", lambda: replace(found, components=rest))
    mend = failing(mai("doctor", "--json", expect=1).stdout)
    assert mend["tool.clock"].startswith("install mai-framework")

    clock = project / "src/shop/tools/clock.py"
    before = clock.read_bytes()
    mai("add", "tool", "weather", "--no-install")
    assert clock.read_bytes() == before
    assert "tool/clock is not installed" in mai("set", "tool.clock.x=1", expect=2).stderr
    mai("remove", "tool", "clock", "--no-install")
    assert not clock.exists()


def test_what_a_killed_process_left_is_swept(mai: Mai, project: Path) -> None:
    work = project / ".mai/.undo/.work"
    work.mkdir(parents=True)
    (work / "new-1").write_bytes(b"half a file")
    mai("doctor")
    assert not work.exists()
    shutil.rmtree(project / ".mai/.undo")
    mai("check")
