"""git: a first commit, where that harms nobody, and what it knows of `.mai/` on other branches."""

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ..errors import CommandFailed
from .process import run, run_bytes

Stages = dict[str, dict[int, bytes]]
"""Path -> its contents in an unmerged index: 1 where the branches parted, 2 ours, 3 theirs."""


def inside_work_tree(folder: Path) -> bool:
    """Whether `folder` is in a repository already: another inside it would be nested."""
    if shutil.which("git") is None:
        return False
    try:
        return run(["git", "rev-parse", "--is-inside-work-tree"], folder).strip() == "true"
    except CommandFailed:
        return False


def start(project: Path, message: str, target: Path) -> str | None:
    """Makes `project`, which is to lie at `target`, a repository with one commit; returns what was
    left out, and why."""
    if inside_work_tree(target if target.exists() else target.parent):
        return "no repository was made: the folder is in one already"
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


def unmerged(project: Path, paths: Iterable[str]) -> Stages:
    """The versions of `paths` that wait to be merged; of all of them, when one does."""
    paths = list(paths)
    listed = _ask(project, "ls-files", "--stage", "-z", "--", *paths) or b""
    stages: Stages = {path: {} for path in paths}
    for line in listed.decode().split("\0")[:-1]:
        facts, _, path = line.partition("\t")
        _mode, sha, stage = facts.split()
        content = blob(project, sha)
        if content is not None:
            stages[path][int(stage)] = content
    if not any(stage for found in stages.values() for stage in found):
        return {}
    # Git does not hold a file that both sides have alike in stages: each side has that one.
    return {
        path: found if 0 not in found else dict.fromkeys((1, 2, 3), found[0])
        for path, found in stages.items()
    }


def merged_commits(project: Path) -> tuple[str, str, str] | None:
    """Where two branches parted, and both, when the last commit merged them."""
    line = (_ask(project, "rev-list", "--parents", "--max-count=1", "HEAD") or b"").decode()
    parents = line.split()[1:]
    if len(parents) != 2:  # noqa: PLR2004 - a merge of two branches
        return None
    ours, theirs = parents
    ancestor = _ask(project, "merge-base", ours, theirs)
    return (ancestor.decode().strip(), ours, theirs) if ancestor else None


def file_at(project: Path, commit: str, path: str) -> bytes | None:
    """The content of a file in a commit."""
    return _ask(project, "cat-file", "blob", f"{commit}:./{path}")


def blob(project: Path, sha: str) -> bytes | None:
    """The content of git's object `sha`."""
    return _ask(project, "cat-file", "blob", sha)


def version() -> str:
    """Raises `CommandFailed` when there is no git."""
    return run(["git", "--version"], Path.cwd()).strip()


def _ask(project: Path, *arguments: str) -> bytes | None:
    """What git answers; nothing when it has no answer, or is not there."""
    with suppress(CommandFailed):
        return run_bytes(["git", *arguments], project)
    return None
