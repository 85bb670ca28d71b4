"""What is built holds what git holds, and works where it is installed."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from mai.programs import uv

PARTS = ("copier.yml", "template/", "plugins/")


@pytest.fixture(scope="module")
def distributions(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sdist, the wheel built through it, and the wheel built directly."""
    through, direct = tmp_path_factory.mktemp("through"), tmp_path_factory.mktemp("direct")
    _run([uv.find(), "build", "--quiet", "--out-dir", str(through)], checkout)
    _run([uv.find(), "build", "--quiet", "--wheel", "--out-dir", str(direct)], checkout)
    return {
        "sdist": next(through.glob("*.tar.gz")),
        "wheel": next(through.glob("*.whl")),
        "direct": next(direct.glob("*.whl")),
    }


@pytest.fixture(scope="module")
def expected(sources: frozenset[str]) -> set[str]:
    """The template files that git knows: the truth that all wheels are held against."""
    return {path for path in sources if path.startswith(PARTS)}


def test_git_holds_the_dotfiles(expected: set[str]) -> None:
    assert "template/.env.example.jinja" in expected
    assert any(path.startswith("template/.github/") for path in expected)


def test_the_sdist_holds_everything(
    distributions: dict[str, Path], sources: frozenset[str]
) -> None:
    with tarfile.open(distributions["sdist"]) as archive:
        inside = {member.name.partition("/")[2] for member in archive if member.isfile()}
    assert inside == sources | {"PKG-INFO"}


@pytest.mark.slow
def test_from_the_sdist_the_same_is_built(distributions: dict[str, Path], tmp_path: Path) -> None:
    with tarfile.open(distributions["sdist"]) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "tests/packaging"]
    env = {**os.environ, "PYTHONPATH": str(unpacked / "cli")}
    done = subprocess.run(
        command, cwd=unpacked, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("built", ["wheel", "direct"])
def test_a_wheel_holds_every_template_file(
    distributions: dict[str, Path], expected: set[str], built: str
) -> None:
    with zipfile.ZipFile(distributions[built]) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    bundled = {
        name.removeprefix("mai/_bundle/") for name in names if name.startswith("mai/_bundle/")
    }
    builtin = {
        f"plugins/{name.removeprefix('mai/builtin/')}"
        for name in names
        if name.startswith("mai/builtin/") and name != "mai/builtin/__init__.py"
    }
    assert bundled | builtin == expected
    assert {"mai/apply/seed.lock", "mai/plan/presets.toml", "mai/py.typed"} <= names
    assert max(len(name) for name in names) < 120
    assert not any("__pycache__" in PurePosixPath(name).parts for name in names)


def test_the_installed_wheel_makes_the_same_project_without_network(
    distributions: dict[str, Path], tmp_path: Path
) -> None:
    site = tmp_path / "site"
    _run(
        [
            uv.find(),
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            str(site),
            str(distributions["wheel"]),
        ],
        tmp_path,
    )
    offline = [sys.executable, "-I", "-c", INSTALLED.format(site=str(site))]
    said = _run(
        [*offline, "new", "shop", "--defaults", "--no-install", "--no-git", "--into", "wheel"],
        tmp_path,
    )
    assert str(site) in said
    editable = [sys.executable, "-m", "mai"]
    _run(
        [*editable, "new", "shop", "--defaults", "--no-install", "--no-git", "--into", "editable"],
        tmp_path,
    )
    _run(["diff", "-r", "wheel", "editable"], tmp_path)


# The wheel's copy goes before the editable one; its own entry points are found beside it.
INSTALLED = """
import socket, sys
sys.path.insert(0, {site!r})
sys.dont_write_bytecode = True
def refuse(*args, **kwargs):
    raise OSError("no network in this test")
socket.socket.connect = refuse
import mai
print(mai.__file__)
from mai.commands.app import run
run(sys.argv[1:])
"""


def test_a_tagged_and_dirty_checkout_renders_its_working_tree(
    checkout: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "tagged"
    shutil.copytree(checkout, copy)
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    _run(["git", *identity, "commit", "--quiet", "--no-verify", "-m", "Release"], copy)
    _run(["git", "tag", "v9.9.9"], copy)
    (copy / "template" / "DIRTY.md").write_text("Not committed.\n", encoding="utf-8")
    command = [sys.executable, "-c", CHECKED_OUT.format(cli=str(copy / "cli"))]
    _run([*command, "new", "shop", "--defaults", "--no-install", "--no-git"], tmp_path)
    assert (tmp_path / "shop" / "DIRTY.md").is_file()


CHECKED_OUT = """
import sys
sys.path.insert(0, {cli!r})
from mai.commands.app import run
run(sys.argv[1:])
"""


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
