"""Merging bases: what a newer mai adds to an older project, and what two branches make together."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from difflib import SequenceMatcher
from functools import partial
from typing import TypeVar

from packaging.version import Version

from ..errors import Refused
from ..plan.outcomes import Outcomes, carried_out
from ..project.lock import Lock, LockedFile
from ..project.manifest import Manifest
from ..project.pristine import Pristine
from ..project.tree import File, Tree
from .lines import with_lf
from .package_move import PackageMove
from .three_way import How, three_way

Value = TypeVar("Value")


def carried(base: Pristine, before: Pristine, after: Pristine) -> Pristine:
    """`base`, which older versions rendered, with what installed ones change from `before` to
    `after`: only that, and nothing else that is newer in them.

    Raises `Refused` when the change does not fit the older files.
    """
    if move := PackageMove.between(before.manifest, after.manifest):
        base, before = move.pristine(base), move.pristine(before)
    outcomes = three_way(before.tree, base.tree, after.tree)
    if unfit := [outcome.path for outcome in outcomes if outcome.action == "conflict"]:
        raise Refused(
            f"this does not fit the older {', '.join(unfit)} of this project",
            "run mai update first",
        )
    instances = {
        key: replace(older, answers=locked.answers)
        if (older := base.lock.instances.get(key))
        else locked
        for key, locked in after.lock.instances.items()
    }
    tree = carried_out(base.tree, outcomes)
    lock = Lock(base.lock.mai_version, after.lock.project, instances, {})
    return _with_files(lock, tree, outcomes, after.lock, base.lock)


def joined(
    ancestor: Pristine, ours: Pristine, theirs: Pristine, render: Callable[[Manifest], Tree]
) -> Pristine:
    """The base of a merge of two branches, from those of both and of where they parted.

    A file in which both changed the same lines, such as a list that both made longer, is as
    `render` makes it of both; it is called for nothing else.
    """
    a, b, c = ancestor.lock, ours.lock, theirs.lock
    version = max(b.mai_version, c.mai_version, key=Version)
    lock = Lock(
        version,
        _join(a.project, b.project, c.project),
        _join(a.instances, b.instances, c.instances),
        {},
    )
    merge = partial(three_way, ancestor.tree, ours.tree, theirs.tree)
    outcomes = merge(How(favor="ours"))
    tree = carried_out(ours.tree, outcomes)
    if both := [outcome.path for outcome in merge() if outcome.action == "conflict"]:
        rendered = render(lock.manifest)
        tree |= {path: rendered[path] for path in both if path in rendered}
    return _with_files(lock, tree, outcomes, theirs.lock, ours.lock)


def joined_wishes(ancestor: Manifest, ours: Manifest, theirs: Manifest) -> Manifest | None:
    """What two branches want together; nothing when they want one thing in two ways."""
    sides = (ancestor, ours, theirs)
    answers = [dict(side.project) for side in sides]
    instances = [{instance.key: instance for instance in side.instances} for side in sides]
    if _are_at_odds(*answers) or _are_at_odds(*instances):
        return None
    return Manifest(_join(*answers)).with_instances(_join(*instances).values())


def _are_at_odds(
    ancestor: Mapping[str, Value], ours: Mapping[str, Value], theirs: Mapping[str, Value]
) -> bool:
    found = ((ancestor.get(key), ours.get(key), theirs.get(key)) for key in {*ours, *theirs})
    return any(mine != other and was not in (mine, other) for was, mine, other in found)


def arranged(base: Pristine, yours: Tree, others: Iterable[Tree]) -> Pristine:
    """`base`, with each file that differs in `yours` as that one of `others` has it which is most
    like yours, when one is more so."""
    others = tuple(others)
    tree = dict(base.tree)
    for path, file in base.tree.items():
        mine = yours.get(path, file)
        candidates = {file, *(other[path] for other in others if path in other)}
        if mine != file and len(candidates) > 1:
            tree[path] = max((file, *candidates), key=lambda one: _likeness(one, mine))
    return _with_files(base.lock, tree, (), base.lock, base.lock)


def _likeness(one: File, other: File) -> float:
    a, b = (with_lf(file.content).splitlines() for file in (one, other))
    return SequenceMatcher(a=a, b=b, autojunk=False).ratio()


def _join(
    ancestor: Mapping[str, Value], ours: Mapping[str, Value], theirs: Mapping[str, Value]
) -> dict[str, Value]:
    """Per key: theirs where only they changed it, ours otherwise."""
    result = {}
    for key in sorted({*ours, *theirs}):
        side = theirs if ours.get(key) == ancestor.get(key) else ours
        if key in side:
            result[key] = side[key]
    return result


def _with_files(lock: Lock, tree: Tree, outcomes: Outcomes, first: Lock, second: Lock) -> Pristine:
    """`lock` for `tree`, which came of `outcomes`: owners and policies are those of `first`, else
    of `second`, be it under another path."""
    known = {**second.files, **first.files}
    moved = {o.path: o.source for o in outcomes if o.source and o.path not in known}
    known |= {path: known[source] for path, source in moved.items()}
    files = {
        path: LockedFile(known[path].owner, file.blob_sha, known[path].policy)
        for path, file in tree.items()
    }
    return Pristine(replace(lock, files=files), tree)
