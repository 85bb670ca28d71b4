"""Which files went where between a tree and a later one, folders included."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from itertools import takewhile

from ..project.tree import Tree
from .lines import with_lf

_LEAST_SIMILARITY = 0.5  # as git's
_MOST_PAIRS = 10_000  # of files with different names that are compared, 80 ms

Renames = Mapping[str, str]
"""Old path -> new path."""

Candidate = tuple[float, int, str, str]
"""Similarity from 0 to 1, closeness of the paths, old path, new path."""


def find_renames(before: Tree, after: Tree, gone: Collection[str]) -> dict[str, str]:
    """Where the files `gone` (paths of `before` that `after` lacks) are in `after`.

    A file went to the path that `before` lacks whose lines are the same, or at least half the
    same, under the same name if there is one; else to its own name in the folder that the rest of
    its folder went to.
    """
    if not gone:
        return {}
    found: dict[str, str] = {}
    added = {path for path in after if path not in before}
    for candidates in (_same_content, _same_name, _similar):
        rest = [path for path in gone if path not in found]
        found |= _pair(candidates(before, after, rest, added - set(found.values())))
    folders = moved_folders(before, after, found)
    there = {path: follow(path, folders) for path in gone if path not in found}
    free = added - set(found.values())
    return found | {old: new for old, new in there.items() if new in free}


def moved_folders(before: Tree, after: Tree, renames: Renames) -> dict[str, str]:
    """The folders of `before` that are no more, and the one place that their files went to.

    At least half of a folder's files that are not empty must have gone there and none elsewhere.
    """
    moved: dict[str, Counter[str]] = defaultdict(Counter)
    for old, new in renames.items():
        for pair in _folder_pairs(old, new):
            moved[pair[0]][pair[1]] += 1
    if not moved:
        return {}
    left = {folder for path in after for folder in parents(path)}
    size = Counter(f for path in before if before[path].content for f in parents(path))
    return {
        folder: next(iter(places))
        for folder, places in moved.items()
        if folder not in left and len(places) == 1 and places.total() * 2 >= size[folder]
    }


def follow(path: str, folders: Renames) -> str:
    """Where `path` is when its nearest folder of `folders` has moved; else `path` itself."""
    for folder in parents(path):
        if folder in folders:
            return (folders[folder] + path[len(folder) :]).lstrip("/")
    return path


def parents(path: str) -> Iterator[str]:
    """The folders that `path` lies in, nearest first, without the root."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _folder_pairs(old: str, new: str) -> Iterator[tuple[str, str]]:
    """The folders whose move explains that `old` became `new`.

    a/x/y.py -> b/x/y.py is a/x -> b/x and a -> b.
    """
    was, now = old.split("/")[:-1], new.split("/")[:-1]
    while was and was != now:
        yield "/".join(was), "/".join(now)
        if was.pop() != (now.pop() if now else None):
            return


def _pair(candidates: Iterable[Candidate]) -> dict[str, str]:
    """The best candidates, each path once."""
    found: dict[str, str] = {}
    taken = set()
    for _, _, old, new in sorted(candidates, key=lambda c: (-c[0], -c[1], *c[2:])):
        if old not in found and new not in taken:
            found[old] = new
            taken.add(new)
    return found


def _same_content(
    before: Tree, after: Tree, gone: Collection[str], added: Collection[str]
) -> Iterator[Candidate]:
    places = defaultdict(list)
    for path in added:
        places[with_lf(after[path].content)].append(path)
    for old in gone:
        if content := with_lf(before[old].content):
            yield from ((1.0, _closeness(old, new), old, new) for new in places[content])


def _same_name(
    before: Tree, after: Tree, gone: Collection[str], added: Collection[str]
) -> Iterator[Candidate]:
    places = defaultdict(list)
    for path in added:
        places[_name(path)].append(path)
    pairs = [(old, new) for old in gone for new in places[_name(old)]]
    return _alike(before, after, pairs)


def _similar(
    before: Tree, after: Tree, gone: Collection[str], added: Collection[str]
) -> Iterator[Candidate]:
    if len(gone) * len(added) > _MOST_PAIRS:
        return iter(())
    return _alike(before, after, [(old, new) for old in gone for new in added])


def _alike(before: Tree, after: Tree, pairs: Iterable[tuple[str, str]]) -> Iterator[Candidate]:
    text = cache(with_lf)
    lines = cache(lambda content: Counter(content.split(b"\n")))
    for old, new in pairs:
        was, now = text(before[old].content), text(after[new].content)
        small, large = sorted((len(was), len(now)))
        if small and small >= large * _LEAST_SIMILARITY:
            similarity = _similarity(lines(was), lines(now))
            if similarity >= _LEAST_SIMILARITY:
                yield similarity, _closeness(old, new), old, new


def _similarity(one: Counter[bytes], other: Counter[bytes]) -> float:
    """The share of the larger file, in bytes, that stands in both."""
    both = sum(min(n, other[line]) * (len(line) + 1) for line, n in one.items() if line in other)
    return both / max(_size(one), _size(other))


def _size(lines: Counter[bytes]) -> int:
    return sum(n * (len(line) + 1) for line, n in lines.items())


def _closeness(old: str, new: str) -> int:
    """How many parts the paths share at their ends, then at their starts."""
    was, now = old.split("/"), new.split("/")
    return 100 * _shared(reversed(was), reversed(now)) + _shared(was, now)


def _shared(one: Iterable[str], other: Iterable[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _name(path: str) -> str:
    return path.rpartition("/")[2]
