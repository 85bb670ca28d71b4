"""Three trees merged into one: yours, with the changes from the base to the new one brought in."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from ..project.tree import File, Tree
from .lines import Favor, Labels, is_binary, is_same, merge_lines, with_merged_line_end
from .renames import parents
from .trios import Trio, trios

Kind = Literal[
    "both changed",  # blocks in the file
    "both added",  # the same; the blocks are two-way
    "binary",  # both changed or added it: yours is in the tree
    "you deleted",  # and the template changed it: not in the tree
    "you changed, gone",  # the template dropped what you changed or moved: yours is in the tree
    "renamed apart",  # merged, and where you put it
    "path taken",  # a file of yours and a folder exclude each other: yours keep their paths
]

Problems = tuple[tuple[Kind, int], ...]
"""Kind and number of conflict blocks."""


@dataclass(frozen=True)
class Conflict:
    path: str
    """Where it lies in the result, or would lie."""
    kind: Kind
    hunks: int = 0
    """The number of conflict blocks in the file."""
    labels: Labels = field(default=Labels(), compare=False)
    """Whose the sides are."""


@dataclass(frozen=True)
class Merged:
    tree: dict[str, File]
    conflicts: tuple[Conflict, ...]
    """Sorted by path."""
    moved: dict[str, str]
    """Path in yours -> path in the result, for files that followed a rename of the template."""


def merge_trees(
    base: Tree, yours: Tree, new: Tree, *, labels: Callable[[str], Labels], favor: Favor = None
) -> Merged:
    """`yours` with the changes from `base` to `new`; the three stay as they are.

    Renames of files and folders are followed on both sides, your own files in a folder that the
    template renames included. Text is merged by lines, with blocks where both changed it, at whose
    markers `labels` of the path stand; `favor` settles these and binary files for one side, and no
    other conflict. What you wrote is in the tree, or gone because you removed it.
    """
    merges = (_merge(t, base, yours, new, labels, favor) for t in trios(base, yours, new))
    return _place([piece for piece in merges if piece])


@dataclass(frozen=True)
class _Piece:
    """What becomes of a trio, when its place is free."""

    trio: Trio
    labels: Labels
    file: File | None
    problems: Problems = ()
    edited: bool = False
    """Whether `file` holds something of yours."""

    @property
    def claim(self) -> str | None:
        """Your path of it, where nothing else may come to lie before this file has settled."""
        stays = self.file and self.trio.yours == self.trio.place
        return self.trio.yours if self.edited or stays else None


def _merge(
    trio: Trio,
    base: Tree,
    yours: Tree,
    new: Tree,
    labels: Callable[[str], Labels],
    favor: Favor,
) -> _Piece | None:
    own = labels(trio.new or trio.base or trio.place)
    was = base[trio.base] if trio.base else None
    mine = yours[trio.yours] if trio.yours else None
    wanted = new[trio.new] if trio.new else None
    if mine and wanted:
        return _merge_file(trio, was, mine, wanted, own, favor)
    kept = mine or wanted
    if kept is None:
        return None
    if was is None:
        return _Piece(trio, own, kept, edited=mine is not None)
    if is_same(was.content, kept.content) and trio.base == trio.place:
        return None
    if mine:
        return _Piece(trio, own, mine, (("you changed, gone", 0),), edited=True)
    return _Piece(trio, own, None, (("you deleted", 0),))


def _merge_file(
    trio: Trio, was: File | None, mine: File, wanted: File, labels: Labels, favor: Favor
) -> _Piece:
    ancestor = was.content if was else None
    content, problems = _contents(ancestor, mine.content, wanted.content, labels, favor)
    if trio.base not in (None, trio.yours, trio.new) and trio.yours != trio.new:
        problems = ("renamed apart", 0), *problems
    wants_bit = was is not None and wanted.executable != was.executable
    file = File(content, wanted.executable if wants_bit else mine.executable)
    edited = ancestor is None or not is_same(ancestor, mine.content)
    return _Piece(trio, labels, file, problems, edited)


def _contents(
    was: bytes | None, mine: bytes, wanted: bytes, labels: Labels, favor: Favor
) -> tuple[bytes, Problems]:
    if wanted in (was, mine):
        return mine, ()
    if mine == was:
        return wanted, ()
    if is_same(wanted, mine) or (was is not None and is_same(wanted, was)):
        return with_merged_line_end(mine, was or b"", mine, wanted), ()
    if was is not None and is_same(mine, was):
        return with_merged_line_end(wanted, was, mine, wanted), ()
    if any(map(is_binary, (was or b"", mine, wanted))):
        return (wanted if favor == "theirs" else mine), () if favor else (("binary", 0),)
    merged, hunks = merge_lines(was, mine, wanted, labels=labels, favor=favor)
    kind: Kind = "both added" if was is None else "both changed"
    return merged, ((kind, hunks),) if hunks else ()


class _Ground:
    """The paths that are taken, as files and as folders."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: Counter[str] = Counter()

    def take(self, path: str) -> None:
        self._files.add(path)
        self._folders.update(parents(path))

    def release(self, path: str) -> None:
        self._files.remove(path)
        self._folders.subtract(parents(path))

    def is_free(self, path: str) -> bool:
        return not (
            path in self._files
            or self._folders[path]
            or any(folder in self._files for folder in parents(path))
        )


def _place(pieces: list[_Piece]) -> Merged:
    """Each file at its place, if no file of yours is there or was before its own move.

    A file whose place is taken stays where you have it; where you have none, it is left out.
    """
    ground = _Ground()
    for piece in pieces:
        if piece.claim:
            ground.take(piece.claim)
    result = Merged({}, (), {})
    conflicts = []
    for piece in pieces:
        place, mine = piece.trio.place, piece.trio.yours
        at = _settle(piece, ground)
        if piece.file and at:
            result.tree[at] = piece.file
        if mine and at and mine != at:
            result.moved[mine] = at
        if piece.file and at != place:
            conflicts.append(Conflict(place, "path taken", labels=piece.labels))
        conflicts += [
            Conflict(at or place, *problem, labels=piece.labels) for problem in piece.problems
        ]
    return replace(result, conflicts=tuple(sorted(conflicts, key=lambda c: c.path)))


def _settle(piece: _Piece, ground: _Ground) -> str | None:
    """The path that `piece` takes, if any."""
    if piece.claim == piece.trio.place or not piece.file:
        return piece.claim
    if piece.claim:
        ground.release(piece.claim)
    for path in (piece.trio.place, piece.trio.yours):
        if path and ground.is_free(path):
            ground.take(path)
            return path
    return None
