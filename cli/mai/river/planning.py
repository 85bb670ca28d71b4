"""What a wish comes to: both trees, merged with what lies on disk. Nothing is written."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..console.documents import Changed, ChangeStatus, Verb, file_outcomes
from ..errors import Refused
from ..merge.lines import Labels
from ..merge.package_move import PackageMove, moved_by_hand
from ..merge.pristine import carried
from ..merge.renames import parents
from ..merge.three_way import How, three_way
from ..plan.instances import check_with_plugins
from ..plan.outcomes import Outcome, Outcomes, for_plugins
from ..plugins import values
from ..plugins.host import Provider
from ..plugins.installed import OWN_DISTRIBUTION
from ..plugins.loader import Catalog
from ..programs.formatter import formatters
from ..project.manifest import Manifest
from ..project.pristine import Pristine
from ..project.reader import files_in, own_files, read_file, read_yours
from ..project.tree import Tree
from .choices import Choices
from .opening import Opened, existing
from .state import state_outcomes


@dataclass(frozen=True)
class Wish:
    """What a command makes of a project's manifest."""

    manifest: Manifest
    newest: bool = False
    """Whether core and instances are to be at the installed versions."""
    notes: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    """The user's own files that are to go, too."""
    left: frozenset[str] = frozenset()
    """Files that are to stay as they are."""


@dataclass(frozen=True)
class Plan:
    """What a command comes to, before anything is written."""

    verb: Verb
    command: str
    """What was typed."""
    root: Path
    before: Pristine
    after: Pristine
    outcomes: Outcomes
    notes: tuple[str, ...] = ()

    @property
    def conflicts(self) -> list[str]:
        return [outcome.path for outcome in self.outcomes if outcome.action == "conflict"]

    @property
    def for_plugins(self) -> values.Plan:
        """What plugins are told of it."""
        before, after = self.before.manifest, self.after.manifest
        return for_plugins(self.command, before, after, self.outcomes)

    def told(self, status: ChangeStatus, notes: Iterable[str] = ()) -> Changed:
        """The document of `--json`."""
        manifest = self.after.manifest
        return Changed(
            command=self.verb,
            status=status,
            project={"path": str(self.root), **manifest.project},
            instances=manifest.instances,
            outcomes=file_outcomes(self.outcomes, planned=status == "planned"),
            notes=[*self.notes, *notes],
        )


def plan_of(
    verb: Verb, arguments: Iterable[str], opened: Opened, wish: Wish, choices: Choices
) -> Plan:
    """Both trees, merged with what lies on disk."""
    check_with_plugins(opened.base.manifest, wish.manifest, opened.catalog)
    root, base, pristine = opened.root, opened.base, _pristine(opened, wish)
    skipped = {existing(opened, Path(path)).as_posix() for path in choices.skip}
    kept = {path for path in base.with_policy("keep") if path not in pristine.tree}
    how = How(
        labels=Labels(f"mai {opened.catalog.core.version}"),
        labels_of=_labels_of_plugins(base, pristine),
        favor=choices.favor,
        skipped=wish.left | skipped,
        once=_belonging_to_the_user(base, pristine),
        formatters=formatters(root),
    )
    before = {path: file for path, file in base.tree.items() if path not in kept}
    move = PackageMove.between(base.manifest, wish.manifest)
    _refuse_unknown_place(opened, move)
    fresh = _fresh(base, pristine)
    _refuse_taken_names(root, fresh, pristine)
    outcomes = [
        *(
            _moved(root, before, pristine, how, move)
            if move
            else _merged(root, before, pristine, fresh, how)
        ),
        *(Outcome(path, "remove", None, read_file(root, path)) for path in wish.removed),
        *state_outcomes(root, opened.manifest, wish.manifest, pristine),
    ]
    notes = [*wish.notes, *(f"{path} stays: a database may have run it" for path in sorted(kept))]
    if move:
        notes += [f"{path} still imports {move.package}" for path in _importing(root, base, move)]
    command = " ".join(["mai", verb, *arguments])
    return Plan(verb, command, root, base, pristine, outcomes, tuple(notes))


def _pristine(opened: Opened, wish: Wish) -> Pristine:
    """The tree of the wish: rendered by the installed versions, or, where the project is at older
    ones and is not to be updated, its base with nothing but what the wish changes."""
    from ..render.engine import render

    base, catalog = opened.base, opened.catalog
    if wish.manifest == base.manifest and not wish.newest:
        return base
    after = render(wish.manifest, catalog, base)
    if wish.newest or _is_installed(base, catalog):
        return after
    return carried(base, render(base.manifest, catalog, base), after)


def _refuse_unknown_place(opened: Opened, move: PackageMove | None) -> None:
    """A package that was renamed by hand would look deleted."""
    package = str(opened.base.manifest.project["package_name"])
    other = moved_by_hand(opened.root, package, opened.base.tree)
    if other and (move is None or move.new != f"src/{other}/"):
        raise Refused(
            f"the package {package} lies in src/{other}", f"first: mai set package_name={other}"
        )


def _refuse_taken_names(root: Path, fresh: Tree, new: Pristine) -> None:
    """What the user made by hand is not taken for a new instance of that name."""
    stays = new.with_policy("keep") | new.with_policy("once")
    for path, file in fresh.items():
        if path not in stays and read_file(root, path) not in (None, file):
            key = new.lock.files[path].owner
            raise Refused(
                f"{path} is there already, and is yours", f"choose another name than {key!r}"
            )


def _is_installed(base: Pristine, catalog: Catalog) -> bool:
    """Whether what is installed is what rendered `base`, to the version."""
    return base.lock.mai_version == catalog.core.version and all(
        catalog.providers[locked.component] == Provider(locked.provider, locked.version)
        for locked in base.lock.instances.values()
        if locked.component in catalog.components
    )


def _labels_of_plugins(base: Pristine, new: Pristine) -> dict[str, Labels]:
    """What the sides of a conflict are called in the files of others' plugins."""
    found = {}
    for path, locked in {**base.lock.files, **new.lock.files}.items():
        was, now = (one.lock.instances.get(locked.owner) for one in (base, new))
        if now and now.provider != OWN_DISTRIBUTION:
            older = {"base": f"{was.provider} {was.version}"} if was else {}
            found[path] = Labels(f"{now.provider} {now.version}", **older)
    return found


def _belonging_to_the_user(base: Pristine, new: Pristine) -> frozenset[str]:
    """Files that are written once, unless their instance goes, and those that stayed from an
    instance that was removed."""
    owners = {"core", *new.lock.instances}
    once = {path for path in base.with_policy("once") if base.lock.files[path].owner in owners}
    stayed = {path for path in new.with_policy("keep") if path not in base.tree}
    return frozenset(once | new.with_policy("once") | stayed)


def _merged(root: Path, before: Tree, new: Pristine, fresh: Tree, how: How) -> list[Outcome]:
    """`fresh` are the files of new instances: alike as they may be, none is another one renamed."""
    rest = {path: file for path, file in new.tree.items() if path not in fresh}
    yours = read_yours(root, before, also=rest)
    missing = [path for path in before if path not in yours]
    if any(rest.get(path) != before[path] for path in missing):
        # They may have been moved.
        yours |= read_yours(root, {}, also=own_files(root, before))
    # What is in a folder that the template renames goes along.
    yours |= read_yours(root, {}, also=files_in(root, _folders(before) - _folders(rest)))
    added = three_way({}, read_yours(root, {}, also=fresh), fresh, how)
    return [*three_way(before, yours, rest, how), *added]


def _importing(root: Path, base: Pristine, move: PackageMove) -> list[str]:
    """The user's own modules that import the package by its old name."""
    imports = re.compile(rb"^\s*(?:from|import)\s+%s\b" % move.package.encode(), re.MULTILINE)
    own = read_yours(root, {}, also=own_files(root, base.tree))
    return sorted(p for p, f in own.items() if p.endswith(".py") and imports.search(f.content))


def _fresh(base: Pristine, new: Pristine) -> Tree:
    """The files of instances that `base` does not have."""
    added = set(new.lock.instances) - set(base.lock.instances)
    return {
        path: file
        for key in added
        for path, file in new.owned_by(key).items()
        if path not in base.tree
    }


def _folders(tree: Tree) -> set[str]:
    return {folder for path in tree for folder in parents(path)}


def _moved(root: Path, before: Tree, new: Pristine, how: How, move: PackageMove) -> list[Outcome]:
    before = move.tree(before)
    yours = read_yours(root, before, also=new.tree)
    moved = move.files(root, yours)
    yours |= {path: file for path, (_, file) in moved.items()}
    return move.outcomes(three_way(before, yours, new.tree, how), moved)
