"""Fixtures that many rooms' tests share."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from filelock import FileLock
from mai.commands.app import run

ROOT = Path(__file__).parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests come first, so that no process is left with one at the end."""
    items.sort(key=lambda item: "generated" not in item.path.parts)


@dataclass(frozen=True)
class Said:
    """What a command did: its exit code and what it printed."""

    exit_code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        return json.loads(self.stdout)


class Mai(Protocol):
    def __call__(self, *argv: str | Path, expect: int = 0) -> Said: ...


@pytest.fixture
def mai(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mai:
    """Runs the command in an empty folder, through its front door."""
    monkeypatch.chdir(tmp_path)

    def call(*argv: str | Path, expect: int = 0) -> Said:
        with pytest.raises(SystemExit) as ended:
            run([str(argument) for argument in argv])
        captured = capfd.readouterr()
        code = ended.value.code
        said = Said(code if isinstance(code, int) else 0, captured.out, captured.err)
        assert said.exit_code == expect, f"{said.exit_code}\n{said.stdout}\n{said.stderr}"
        return said

    return call


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The paths of all that git holds, or would: in an sdist, too, where there is no repository."""
    empty = str(tmp_path_factory.mktemp("git"))
    subprocess.run(["git", "init", "--quiet", "--bare", empty], check=True)
    listing = ["git", "--git-dir", empty, "--work-tree", str(ROOT), "ls-files", "-z"]
    listing += ["--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    return frozenset(listed.stdout.split("\0")[:-1])


@pytest.fixture(scope="session")
def checkout(sources: frozenset[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working tree in a repository of its own: a clean clone."""
    copy = tmp_path_factory.mktemp("checkout") / "mai"
    for path in sources:
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, copy / path)
    subprocess.run(["git", "init", "--quiet"], cwd=copy, check=True)
    subprocess.run(["git", "add", "--all"], cwd=copy, check=True)
    return copy


@pytest.fixture
def check_types(pytestconfig: pytest.Config) -> Callable[[Path], None]:
    """Holds a rendered project against mypy, which keeps what it learns of the libraries."""
    assert pytestconfig.cache is not None
    cache = pytestconfig.cache.mkdir("mypy")
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(cache)]

    def check(project: Path) -> None:
        with FileLock(cache / "lock"):  # two at once would both learn it
            done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{project}\n{done.stdout}{done.stderr}"

    return check
