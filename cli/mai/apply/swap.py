"""One path of a project that goes from one file to another, and what must hold before it may."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import Refused
from ..project.tree import File
from . import disk


@dataclass(frozen=True)
class Swap:
    path: str
    place: Path
    """What is replaced: `path` with its links followed, but a link that is removed."""
    before: File | None
    after: File | None
    new: Path
    """Where the file is staged."""
    old: Path
    """Where the one that it replaces is kept meanwhile."""

    def stage(self) -> None:
        """Brings everything to disk that `do` and `take_back` need: they take no more space."""
        if self.before is not None:
            disk.keep(self.place, self.old)
        if self.after is not None:
            disk.write(self.new, self.after, like=self.place if self.before else None)

    def do(self) -> None:
        if self.after is None:
            self.place.unlink()
        else:
            disk.move(self.new, self.place)

    def take_back(self) -> None:
        """Undoes `do`, whether or not it came to its end."""
        if self.before is not None:
            disk.move(self.old, self.place)
        elif not self.place.is_dir():
            self.place.unlink(missing_ok=True)

    def is_at(self, file: File | None) -> bool:
        """Whether the path holds `file` now."""
        return disk.same(disk.read(self.place), file)


def plan_swap(
    root: Path, work: Path, number: int, path: str, before: File | None, after: File | None
) -> Swap:
    """The swap of `path` below `root`, staged in `work`; refused when `path` leads out."""
    place = Path(os.path.realpath(root / path))
    if not place.is_relative_to(os.path.realpath(root)):
        raise Refused(
            f"{path!r} leads out of the project, to {str(place)!r}",
            "put a file in the place of the link, or leave it out with --skip",
        )
    if after is None:
        place = Path(os.path.realpath((root / path).parent)) / Path(path).name
    return Swap(path, place, before, after, work / f"{number}.new", work / f"{number}.old")


def check(swaps: Sequence[Swap]) -> None:
    """Raises `Refused`, naming every path, unless all of `swaps` can be done."""
    _refuse_shared(swaps)
    check_unchanged(swaps)
    removed = {swap.place for swap in swaps if swap.after is None}
    blocking = {_in_the_way(swap, removed) for swap in swaps if swap.after is not None}
    _refuse(
        (str(spot) for spot in blocking if spot),
        "in the way of what mai would write",
        "move it, or leave the file out with --skip",
    )
    locked = {spot for swap in swaps for spot in _read_only(swap)}
    _refuse(
        map(str, locked), "read-only", "make it writable with chmod, or leave it out with --skip"
    )


def check_unchanged(swaps: Iterable[Swap]) -> None:
    """Raises `Refused` when a path does not hold what the plan found there."""
    changed = (swap.path for swap in swaps if not swap.is_at(swap.before))
    _refuse(changed, "not what mai planned with: changed meanwhile", "run the same command again")


def _refuse_shared(swaps: Sequence[Swap]) -> None:
    """Two links to one file can be written only when both become the same."""
    afters: dict[Path, File | None] = {}
    shared = [s.path for s in swaps if afters.setdefault(s.place, s.after) != s.after]
    _refuse(
        shared,
        "a link to a file that becomes something else",
        "put a file in the place of the link, or leave one out with --skip",
    )


def _in_the_way(swap: Swap, removed: set[Path]) -> Path | None:
    """What stands where a file or a folder must be, and is not removed by the same change."""
    place = swap.place
    if place.is_dir():
        return None if any(gone.is_relative_to(place) for gone in removed) else place
    nearest = next(spot for spot in (place, *place.parents) if os.path.lexists(spot))
    fits = nearest.is_file() if nearest == place else nearest.is_dir()
    return None if fits or nearest in removed else nearest


def _read_only(swap: Swap) -> list[Path]:
    folder = next(folder for folder in swap.place.parents if folder.is_dir())
    spots = [] if os.access(folder, os.W_OK) else [folder]
    if swap.before is not None and not _writable(swap.place):
        spots.append(swap.place)
    return spots


def _writable(file: Path) -> bool:
    # Root may write what nobody was meant to.
    return os.access(file, os.W_OK) and bool(file.stat().st_mode & 0o222)


def _refuse(spots: Iterable[str], what: str, hint: str) -> None:
    named = sorted(map(repr, spots))
    if named:
        raise Refused(f"{', '.join(named)} {'is' if len(named) == 1 else 'are'} {what}", hint)
