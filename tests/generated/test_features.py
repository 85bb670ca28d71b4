"""A feature comes into a project, works there, and goes without a trace."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Mai


def files(root: Path) -> dict[str, bytes]:
    """Every file but what `undo` keeps."""
    found = (path for path in root.rglob("*") if path.is_file() and ".undo" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def evals_run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`shop evals run` in the union environment, which leaves nothing in the project."""
    project = Path.cwd()
    database = f"sqlite:///{project.parent.as_posix()}/evals.db"
    env = {**os.environ, "DATABASE_URL": database, "PYTHONPATH": str(project / "src")}
    command = [sys.executable, "-B", "-m", "shop", "evals", "run", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_evaluations_come_run_and_go(mai: Mai, monkeypatch: pytest.MonkeyPatch) -> None:
    mai("new", "shop", "--defaults", "--preset", "minimal", "--no-install", "--no-git")
    monkeypatch.chdir("shop")
    before = files(Path())
    mai("add", "feature", "evals", "--no-install")
    done = evals_run("--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["passed"] is True
    missing = evals_run("assistent")
    assert missing.returncode == 1
    assert missing.stderr.endswith(
        "error: there is no agent 'assistent': is it one of ['assistant']?\n"
    )
    mai("remove", "feature", "evals", "--no-install")
    assert files(Path()) == before
