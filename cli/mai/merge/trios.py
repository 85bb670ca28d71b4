"""Which paths of three trees are the same file, and where it shall lie."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..project.tree import Tree
from .renames import Renames, find_renames, follow, moved_folders


@dataclass(frozen=True)
class Trio:
    """The paths of one file, None on a side that lacks it, and the path that it shall have."""

    base: str | None
    yours: str | None
    new: str | None
    place: str


def trios(base: Tree, yours: Tree, new: Tree) -> Iterator[Trio]:
    """Every file of the three trees once, its renames on both sides followed.

    A rename onto a path where the other side has a file of its own is none: both are two files.
    """
    by_new = find_renames(base, new, [path for path in base if path not in new])
    grown = any(path not in base for path in new)
    gone = [p for p in base if p not in yours and (grown or new.get(p) != base[p])]
    by_you = find_renames(base, yours, gone)
    by_new, by_you = (
        {old: at for old, at in by_new.items() if at not in yours or by_you.get(old) == at},
        {old: at for old, at in by_you.items() if at not in new or by_new.get(old) == at},
    )
    for path in base:
        mine = path if path in yours else by_you.get(path)
        wanted = path if path in new else by_new.get(path)
        place = (wanted or mine or path) if mine in (None, path) else mine
        yield Trio(path, mine, wanted, place)
    own = _added(base, yours, by_you, moved_folders(base, new, by_new), {*by_new.values(), *yours})
    theirs = _added(base, new, by_new, moved_folders(base, yours, by_you), {*by_you.values(), *new})
    for place in {**theirs, **own}:
        yield Trio(None, own.get(place), theirs.get(place), place)


def _added(
    base: Tree, side: Tree, renames: Renames, folders: Renames, taken: set[str]
) -> dict[str, str]:
    """Where each file that `side` added shall lie -> its path in `side`.

    It follows the folder that the other side renamed, unless a file of `base` or `taken` is there.
    """
    places = {}
    renamed = set(renames.values())
    for path in side:
        if path not in base and path not in renamed:
            there = follow(path, folders)
            places[path if there in base or there in taken else there] = path
    return places
