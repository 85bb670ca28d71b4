"""A change of a project on disk: all of it, or nothing, whatever ends the process.

Everything is brought to disk beside the project first: the new files, the old ones, and the log,
which is the undo entry of the change. Once the log is committed, files are swapped one by one;
an error or Ctrl-C takes all of them back. A process that is killed takes nothing back: the next
command finishes by the log what was begun.
"""

import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import Refused
from ..plan.outcomes import Outcomes
from . import disk, undo_store
from .signals import held
from .swap import Swap, check, check_unchanged, plan_swap
from .undo_store import Entry

_Steps = list[Callable[[], object]]

_UNDONE = "the project is as it was"
_HALF = "a part of the change is written: mend this, and the next mai command finishes it"


@dataclass(frozen=True)
class Recovered:
    """An apply that was interrupted and is finished now."""

    entry: Entry
    left_alone: list[str]
    """Paths that were edited since, or lead out of the project now: they stay as they are."""


@contextmanager
def locked(root: Path, wait_s: float = 10) -> Iterator[Recovered | None]:
    """Lets one mai at a time work in the project; gives what it had to recover first.

    Raises `Refused` when another still works after `wait_s` seconds.
    """
    lock = FileLock(root / undo_store.FOLDER / "lock", timeout=wait_s)
    with disk.failing(_UNDONE):
        try:
            (root / undo_store.FOLDER).mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise Refused(
                f"another mai is at work in {str(root)!r}", "run this again when it has ended"
            ) from error
    try:
        yield recover(root)
    finally:
        lock.release()


def apply(root: Path, outcomes: Outcomes, command: str) -> Entry | None:
    """Does what `outcomes` say and keeps it for undo as `command`; nothing when nothing changes.

    To be called within `locked`. Raises `Refused` before the first write when a path leads out of
    the project, is read-only or is not what the plan found; raises `WriteFailed` when the disk
    does not take it, and `KeyboardInterrupt`, with the project as it was.
    """
    planned = [outcome for outcome in outcomes if outcome.writes]
    if not planned:
        return None
    root = root.resolve()
    with disk.failing(_UNDONE), held() as stop_if_asked, _workspace(root) as work:
        swaps = [
            plan_swap(root, work, number, outcome.path, outcome.before, outcome.file)
            for number, outcome in enumerate(planned)
        ]
        check(swaps)
        _stage(swaps, stop_if_asked)
        before = {swap.path: swap.before for swap in swaps if swap.before}
        after = {swap.path: swap.after for swap in swaps if swap.after}
        undo_store.write_log(work / "log", command, before, after)
        undo: _Steps = [partial(undo_store.abandon, root)]
        try:
            entry = undo_store.begin(root, work / "log")
            _swap_all(root, swaps, undo, stop_if_asked)
            return undo_store.finish(root, entry)
        except BaseException:
            _take_back(undo)
            raise


def recover(root: Path) -> Recovered | None:
    """Finishes the apply that a kill or a power cut interrupted, but for what was edited since.

    To be called within `locked`, which does it. Raises `WriteFailed` when it cannot be finished.
    """
    root = root.resolve()
    entry = undo_store.begun(root)
    if entry is None:
        shutil.rmtree(_work(root), ignore_errors=True)
        return None
    with disk.failing(_HALF), held(), _workspace(root) as work:
        swaps, outside = _swaps_of(entry, root, work)
        for folder in {swap.place.parent for swap in swaps if swap.place.parent.is_dir()}:
            (folder / disk.BESIDE).unlink(missing_ok=True)
        waiting = [swap for swap in swaps if swap.is_at(swap.before) and swap.before != swap.after]
        _stage(waiting)
        _remove_emptied(root, [swap for swap in swaps if swap.after is None], [])
        _swap_all(root, waiting, [])
        edited = [swap.path for swap in swaps if not swap.is_at(swap.after)]
        return Recovered(undo_store.finish(root, entry), sorted(outside + edited))


def _swaps_of(entry: Entry, root: Path, work: Path) -> tuple[list[Swap], list[str]]:
    """The swaps of an interrupted apply, and the paths that lead out of the project now."""
    swaps, outside = [], []
    for number, path in enumerate(entry.paths):
        files = entry.before.get(path), entry.after.get(path)
        try:
            swaps.append(plan_swap(root, work, number, path, *files))
        except Refused:
            outside.append(path)
    return swaps, outside


def _go_on() -> None:
    """Asks nobody to stop."""


def _stage(swaps: Sequence[Swap], stop_if_asked: Callable[[], None] = _go_on) -> None:
    for swap in swaps:
        stop_if_asked()
        with disk.naming(swap.path):
            swap.stage()


def _swap_all(
    root: Path, swaps: Sequence[Swap], undo: _Steps, stop_if_asked: Callable[[], None] = _go_on
) -> None:
    """Removes, then writes, as a file may become a folder and the reverse; adds to `undo` first."""
    removed = [swap for swap in swaps if swap.after is None]
    for swap in removed:
        stop_if_asked()
        _do(swap, undo)
    _remove_emptied(root, removed, undo)
    for swap in swaps:
        if swap.after is not None:
            stop_if_asked()
            undo.append(partial(disk.remove_folders, disk.make_folder(swap.place.parent)))
            _do(swap, undo)
    for folder in {folder for swap in swaps for folder in _folders(root, swap)}:
        disk.sync_folder(folder)


def _do(swap: Swap, undo: _Steps) -> None:
    if swap.is_at(swap.after):
        return  # another link to the same file was swapped
    check_unchanged([swap])
    undo.append(swap.take_back)
    with disk.naming(swap.path):
        swap.do()


def _remove_emptied(root: Path, removed: Sequence[Swap], undo: _Steps) -> None:
    parents = {(root / swap.path).parent for swap in removed}
    for parent in sorted(parents, key=lambda folder: len(folder.parts), reverse=True):
        for folder in (parent, *parent.parents):
            if folder == root or not folder.is_dir():
                break
            mode = stat.S_IMODE(folder.stat().st_mode)
            if not disk.remove_if_unused(folder):
                break
            undo.append(partial(_make_again, folder, mode))


def _make_again(folder: Path, mode: int) -> None:
    folder.mkdir()
    folder.chmod(mode)


def _folders(root: Path, swap: Swap) -> Iterator[Path]:
    """The folders whose names a swap may have changed, up to the root."""
    for folder in swap.place.parents:
        if folder.is_dir():
            yield folder
        if folder == root:
            return


def _take_back(undo: _Steps) -> None:
    """Undoes what was done, the last first; the log goes last, and only if all else is undone."""
    with disk.failing(_HALF):
        for step in reversed(undo):
            step()


def _work(root: Path) -> Path:
    return root / undo_store.FOLDER / ".work"


@contextmanager
def _workspace(root: Path) -> Iterator[Path]:
    """An empty folder beside the undo entries; what a killed process left in it is gone."""
    work = _work(root)
    if work.exists():
        shutil.rmtree(work)
    work.mkdir()
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
