"""Which files you edited, and what only looks edited: line ends, and a formatter's work."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ..project.tree import File, Tree
from .lines import is_same

Formatter = Callable[[Mapping[str, bytes]], Mapping[str, bytes]]
"""Python sources by path -> as one tool formats them; those with a syntax error are left out."""


def edited(base: Tree, yours: Tree, formatters: Sequence[Formatter] = ()) -> list[str]:
    """The paths of `base` that differ in `yours`, in other things than line ends and formatting;
    missing ones are not among them."""
    suspects = [p for p in base if p in yours and not _same(base[p], yours[p])]
    for formatter in formatters:
        same = _formatted_by(formatter, yours, suspects)
        forms = formatter({path: base[path].content for path in same})
        suspects = [
            p for p in suspects if p not in forms or not is_same(forms[p], yours[p].content)
        ]
    return sorted(suspects)


def as_formatted(
    base: Tree, yours: Tree, new: Tree, formatters: Sequence[Formatter]
) -> tuple[Tree, Tree, Tree]:
    """The three trees, with base and new as the project formats them where yours is formatted so.

    Only files that would be merged line by line are looked at.
    """
    suspects = [
        path
        for path, file in yours.items()
        if path in base and base[path] != new.get(path) and not _same(base[path], file)
    ]
    added = [path for path in new if path not in base]
    for formatter, same in _formatted(yours, suspects, formatters):
        # A file that the new tree lacks may have been renamed to one that it adds.
        renamed = added if any(path not in new for path in same) else []
        base = _replaced(base, formatter, same)
        new = _replaced(new, formatter, [*same, *renamed])
    return base, yours, new


def _formatted(
    yours: Tree, paths: Iterable[str], formatters: Sequence[Formatter]
) -> Iterator[tuple[Formatter, list[str]]]:
    """Each formatter with those of `paths` that it has formatted.

    A file can be as several of them would write it: then the one of most files has it.
    """
    rest = [path for path in paths if path.endswith(".py")]
    found: list[tuple[Formatter, list[str]]] = []
    for formatter in formatters:
        found.append((formatter, _formatted_by(formatter, yours, rest)))
        if len(found[-1][1]) == len(rest):
            break
    for formatter, same in sorted(found, key=lambda pair: len(pair[1]), reverse=True):
        yield formatter, [path for path in same if path in rest]
        rest = [path for path in rest if path not in same]


def _formatted_by(formatter: Formatter, yours: Tree, paths: Iterable[str]) -> list[str]:
    """Those of `paths` that are Python and already as `formatter` would write them."""
    sources = {path: yours[path].content for path in paths if path.endswith(".py")}
    forms = formatter(sources) if sources else {}
    return [path for path, form in forms.items() if form == sources[path]]


def _replaced(tree: Tree, formatter: Formatter, paths: Iterable[str]) -> Tree:
    sources = {p: tree[p].content for p in paths if p in tree and p.endswith(".py")}
    forms = formatter(sources) if sources else {}
    return {**tree, **{path: File(form, tree[path].executable) for path, form in forms.items()}}


def _same(one: File, other: File) -> bool:
    return one.executable == other.executable and is_same(one.content, other.content)
