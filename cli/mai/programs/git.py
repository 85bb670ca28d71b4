"""git: a first commit, where that harms nobody."""

import shutil
from pathlib import Path

from ..errors import CommandFailed
from .process import run


def inside_work_tree(folder: Path) -> bool:
    """Whether `folder` is in a repository already: another inside it would be nested."""
    if shutil.which("git") is None:
        return False
    try:
        return run(["git", "rev-parse", "--is-inside-work-tree"], folder).strip() == "true"
    except CommandFailed:
        return False


def start(project: Path, message: str) -> str | None:
    """Makes `project` a repository with one commit; returns what was left out, and why."""
    if shutil.which("git") is None:
        return "no repository was made: git was not found"
    run(["git", "init", "--quiet", "--initial-branch", "main"], project)
    run(["git", "add", "--all"], project)
    if not _has_identity(project):
        return "nothing was committed: git does not know your name (`git config user.name`)"
    run(
        ["git", "-c", "commit.gpgsign=false", "commit", "--quiet", "--no-verify", "-m", message],
        project,
    )
    return None


def _has_identity(project: Path) -> bool:
    try:
        run(["git", "config", "user.name"], project)
        run(["git", "config", "user.email"], project)
    except CommandFailed:
        return False
    return True
