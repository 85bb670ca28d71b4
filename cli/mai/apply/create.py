"""A new project on disk: all of it, or nothing.

Everything is prepared in a folder beside the target and moved there at the end. Until then an
error, a full disk or Ctrl-C removes that folder; what a killed process left is removed by the
next one.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import TargetRefused
from ..plan.outcomes import Outcomes
from .signals import terminable

STAGE_PREFIX = ".mai-stage-"
# What may stand in a folder that counts as empty: the repository that was made for the project.
_HARMLESS = {".git", ".DS_Store"}


def check_target(target: Path) -> None:
    """Raises `TargetRefused` unless a project can be made at `target`."""
    if target.exists() and not target.is_dir():
        raise TargetRefused(target, "is not a folder", "choose another with --into DIR")
    if target.is_dir() and (found := _contents(target)):
        raise TargetRefused(
            target, f"is not empty: it holds {found[0].name!r}", "choose another with --into DIR"
        )
    parent = _existing_parent(target)
    if not os.access(target if target.is_dir() else parent, os.W_OK):
        raise TargetRefused(parent, "cannot be written", "choose another with --into DIR")


def create(target: Path, outcomes: Outcomes, prepare: Callable[[Path], None]) -> None:
    """Writes what `outcomes` create to `target`; `prepare` may add to it before anybody sees it.

    Raises `TargetRefused` when the disk does not take it, and whatever `prepare` raises, with
    nothing left behind.
    """
    try:
        with _parents(target), _staged(target.parent) as stage:
            _write(stage, outcomes)
            prepare(stage)
            _move(stage, target)
    except OSError as error:
        raise TargetRefused(target, f"cannot be written: {error}", "nothing was left") from error


def _write(folder: Path, outcomes: Outcomes) -> None:
    for path, file in ((outcome.path, outcome.file) for outcome in outcomes):
        if file is None:
            continue
        destination = folder / path
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes(file.content)
        if file.executable:
            destination.chmod(0o755)


def _move(stage: Path, target: Path) -> None:
    """Moves what was staged to `target`: at once, or piece by piece into a folder that is there."""
    if not target.exists():
        stage.chmod(0o755)
        stage.rename(target)
        return
    moved: list[Path] = []
    try:
        for child in sorted(stage.iterdir()):
            child.rename(target / child.name)
            moved.append(target / child.name)
    except BaseException:
        for path in moved:
            path.rename(stage / path.name)
        raise


@contextmanager
def _staged(parent: Path) -> Iterator[Path]:
    _sweep(parent)
    with terminable():
        stage = Path(tempfile.mkdtemp(prefix=f"{STAGE_PREFIX}{os.getpid()}-", dir=parent))
        try:
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Removes what a `mai` that was killed left in `parent`."""
    for stale in parent.glob(f"{STAGE_PREFIX}*"):
        pid = stale.name.removeprefix(STAGE_PREFIX).partition("-")[0]
        if pid.isdecimal() and not _alive(int(pid)):
            shutil.rmtree(stale, ignore_errors=True)


def _alive(pid: int) -> bool:
    if os.name == "nt":
        return True  # os.kill would end the process there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@contextmanager
def _parents(target: Path) -> Iterator[None]:
    """Makes the folders above `target` that are missing; removes them again on an error."""
    missing = [folder for folder in target.parents if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()
        raise


def _contents(folder: Path) -> list[Path]:
    return sorted(child for child in folder.iterdir() if child.name not in _HARMLESS)


def _existing_parent(target: Path) -> Path:
    return next(folder for folder in target.absolute().parents if folder.exists())
