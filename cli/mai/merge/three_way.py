"""What becomes of each file, from its three versions: base, yours, and the new one.

Hand edits win or show as a conflict; what is only yours is not looked at, unless a file of the
base is missing and may have been moved.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..plan.outcomes import Outcome
from ..project.tree import File, Tree
from .edits import Formatter, as_formatted
from .lines import Favor, Labels
from .structured.env_example import merge_env_example
from .structured.pyproject import merge_pyproject
from .trees import Conflict, Kind, Merged, merge_trees

_STRUCTURED = {"pyproject.toml": merge_pyproject, ".env.example": merge_env_example}

_REASONS = {
    "both changed": "you and {new} changed the same lines",
    "both added": "you and {new} each have a file of this name",
    "you deleted": "you deleted it, {new} changes it: it stays deleted",
    "you changed, gone": "you changed it, {new} has it no more: it stays, as your own",
    "binary": "you and {new} changed it, and it has no lines to merge: yours stays",
    "renamed apart": "you and {new} moved it to different places: it stays in yours",
    "path taken": "a file of yours lies where {new} needs a folder, or the reverse: yours stays",
}

_YOURS_STAYS: frozenset[Kind] = frozenset({"you deleted", "you changed, gone", "path taken"})
"""Conflicts that `--theirs` settles by the new side's file, or by its lack of one."""


@dataclass(frozen=True)
class How:
    """How a merge is asked to decide."""

    labels: Labels = field(default=Labels())
    """What the sides are called in a conflict."""
    labels_of: Mapping[str, Labels] = field(default_factory=dict)
    """The same for paths of other owners."""
    favor: Favor = None
    """Whose side a conflict takes; with none it stands in the file."""
    skipped: frozenset[str] = frozenset()
    """Paths that are left as they are."""
    once: frozenset[str] = frozenset()
    """Paths that belong to the user once they exist."""
    formatters: Sequence[Formatter] = field(default=())
    """The tools by one of which the project may be formatted."""

    def labels_at(self, path: str) -> Labels:
        return self.labels_of.get(path, self.labels)


def three_way(base: Tree, yours: Tree, new: Tree, how: How | None = None) -> list[Outcome]:
    """One outcome per path of `base` or `new`, sorted by path.

    A file that you left as it was takes the new version; one that only you changed stays; one
    that both changed is merged, and where both changed the same lines it is a conflict, with
    both versions in the file.
    """
    how = how or How()
    special = {
        path: outcome
        for path in {*base, *new}
        if (outcome := _special(path, base.get(path), yours.get(path), new.get(path), how))
    }
    trees = [{p: f for p, f in tree.items() if p not in special} for tree in (base, yours, new)]
    forms = as_formatted(trees[0], trees[1], trees[2], how.formatters)
    merged = merge_trees(*forms, labels=how.labels_at, favor=how.favor)
    outcomes = [*special.values(), *_merged(trees[0], trees[1], trees[2], merged, how)]
    return sorted(outcomes, key=lambda outcome: outcome.path)


def _special(
    path: str, was: File | None, mine: File | None, wanted: File | None, how: How
) -> Outcome | None:
    """The outcome of a file that is left alone, or is merged by its structure."""
    if path in how.skipped or (path in how.once and mine is not None):
        notes = _why_left(was, mine, wanted, how.labels_at(path)) if path in how.skipped else ()
        return Outcome(path, "identical" if mine == wanted else "skip", None, mine, notes=notes)
    merge = _STRUCTURED.get(path)
    if merge is None or was is None or mine is None or wanted is None:
        return None
    if mine in (was, wanted) or wanted == was:
        return None
    found = merge(was.content, mine.content, wanted.content, how.favor or "ours")
    if found is None:
        return None
    file = File(found.content, mine.executable)
    if file == mine:
        return Outcome(path, "skip", None, mine, notes=found.kept)
    return Outcome(path, "change", file, mine, notes=found.kept)


def _why_left(
    was: File | None, mine: File | None, wanted: File | None, labels: Labels
) -> tuple[str, ...]:
    if wanted is None:
        return ("it stays, as your own",)
    return () if wanted in (was, mine) else (f"left as it is; {labels.new} has another",)


def _merged(base: Tree, yours: Tree, new: Tree, merged: Merged, how: How) -> Iterator[Outcome]:
    conflicts: dict[str, list[Conflict]] = {}
    for conflict in merged.conflicts:
        conflicts.setdefault(conflict.path, []).append(conflict)
    sources = {after: before for before, after in merged.moved.items()}
    touched = {*merged.tree, *merged.moved}
    changed = {path for path in touched if yours.get(path) != merged.tree.get(path)}
    for path in {*base, *new, *changed}:
        mine, wanted, after = yours.get(path), new.get(path), merged.tree.get(path)
        found = conflicts.get(path, [])
        if how.favor == "theirs" and any(conflict.kind in _YOURS_STAYS for conflict in found):
            found, after = [], wanted
        outcome = _told(path, mine, after, found) if found else _outcome(path, mine, wanted, after)
        if outcome is not None:
            yield replace(outcome, source=sources.get(path))


def _outcome(
    path: str, mine: File | None, wanted: File | None, after: File | None
) -> Outcome | None:
    if after != mine:
        if after is None:
            return Outcome(path, "remove", None, mine)
        return Outcome(path, "create" if mine is None else "change", after, mine)
    if mine is None and wanted is None:
        return None
    return Outcome(path, "identical" if mine == wanted else "skip", None, mine)


def _told(path: str, mine: File | None, after: File | None, found: list[Conflict]) -> Outcome:
    """A conflict: with both versions in the file where it has lines, else yours stays."""
    notes = tuple(_REASONS[conflict.kind].format(new=conflict.labels.new) for conflict in found)
    if any(conflict.hunks for conflict in found):
        return Outcome(path, "conflict", after, mine, notes=notes)
    if after != mine and after is not None:
        return Outcome(path, "create" if mine is None else "change", after, mine, notes=notes)
    return Outcome(path, "skip", None, mine, notes=notes)
