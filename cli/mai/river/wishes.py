"""What each command wishes of a project: its manifest, and what of its files has to go or stay."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import Refused
from ..merge.edits import edited
from ..names import parse
from ..plan.answers import Ask
from ..plan.intents import added, answered, differences, migrated, removed
from ..plan.updates import leave_out_older, notes_between
from ..plan.wishes import Stated
from ..programs.formatter import formatters
from ..project.manifest import Instance
from ..project.pristine import Pristine
from ..project.reader import read_yours
from ..project.tree import Tree
from .checks import missing
from .choices import Choices
from .opening import Opened
from .planning import Wish

Wished = Callable[[Opened], Wish]


def adding(kind: str, name: str, stated: Mapping[str, Any], asker: Ask | None = None) -> Wished:
    """One more instance; `stated` is its table. What a name stands for is told when it is none of
    a component."""

    def wished(opened: Opened) -> Wish:
        grown = added(opened.manifest, opened.catalog, kind, name, stated, asker)
        new = [one for one in grown.instances if opened.manifest.get(one.key) is None]
        fallen_back = [one for one in new if "from" not in stated and not _is_named_after(one)]
        return Wish(
            grown, notes=tuple(f"{one.key} starts from {one.component}" for one in fallen_back)
        )

    return wished


def _is_named_after(instance: Instance) -> bool:
    return instance.component == f"{instance.kind}/{instance.forms.module}"


def removing(kind: str, name: str, choices: Choices) -> Wished:
    """One instance less. Where you wrote in its files, `choices` tell whose they are, or it is
    refused."""

    def wished(opened: Opened) -> Wish:
        left = removed(opened.manifest, opened.catalog, kind, name)
        key = f"{kind}.{parse(name).slug}"
        if choices.ours:
            return Wish(left, left=frozenset(opened.base.owned_by(key)))
        extra = _extra_files(opened.root, opened.base, key)
        if not choices.theirs:
            _refuse_edited(opened, key, extra)
        return Wish(left, removed=tuple(extra))

    return wished


def setting(stated: Stated) -> Wished:
    """Other answers; none brings in what was written into the manifest."""

    def wished(opened: Opened) -> Wish:
        manifest = answered(opened.manifest, opened.catalog, stated)
        return Wish(manifest, notes=differences(opened.base.manifest, manifest))

    return wished


def updating(stated: Stated, asker: Ask | None = None) -> Wished:
    """The installed versions of mai and its plugins."""

    def wished(opened: Opened) -> Wish:
        lock = opened.base.lock
        frozen = [f"{one.name}: {one.told}; {one.mend}" for one in missing(lock, opened.catalog)]
        leave_out_older(lock, opened.catalog)
        migration = migrated(opened.manifest, lock, opened.catalog, stated, asker)
        notes = (*frozen, *migration.dropped, *notes_between(lock, opened.catalog))
        return Wish(migration.manifest, newest=True, notes=notes)

    return wished


def _extra_files(root: Path, base: Pristine, key: str) -> list[str]:
    """The user's files in the folders that hold nothing else than the instance."""
    folders = _folders(_managed(base, key)) - _folders(
        path for path, locked in base.lock.files.items() if locked.owner != key
    )
    found = (path for folder in folders for path in (root / folder).rglob("*") if path.is_file())
    paths = {path.relative_to(root).as_posix() for path in found if "__pycache__" not in path.parts}
    return sorted(paths - set(base.tree))


def _managed(base: Pristine, key: str) -> Tree:
    """The files of the instance but for those that are the user's or stay."""
    own = base.owned_by(key)
    return {path: file for path, file in own.items() if base.lock.files[path].policy == "managed"}


def _folders(paths: Iterable[str]) -> set[Path]:
    return {folder for path in paths for folder in Path(path).parents}


def _refuse_edited(opened: Opened, key: str, extra: list[str]) -> None:
    own = _managed(opened.base, key)
    found = edited(own, read_yours(opened.root, own), formatters(opened.root))
    if found or extra:
        raise Refused(
            f"you wrote in {', '.join([*found, *extra])}",
            "--ours keeps the files as your own code, --theirs removes them (mai undo restores)",
        )
