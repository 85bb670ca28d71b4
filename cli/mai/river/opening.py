"""Opening a project: what it is made of, and which tree its edits are told from."""

import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import BrokenProject, Refused, UnknownName, UsageError
from ..plugins.loader import Catalog, how_to_have
from ..project.lock import Lock
from ..project.manifest import Manifest
from ..project.pristine import BASE_PATH, Pristine
from ..project.reader import (
    is_plain_copy,
    read_base,
    read_copier_answers,
    read_lock,
    read_manifest,
)
from .branches import joined_base, joined_manifest, with_adopted
from .lost_base import recovered


@dataclass(frozen=True)
class Opened:
    """A project, ready to be changed."""

    root: Path
    manifest: Manifest
    """What the user wants, as the manifest says it now."""
    base: Pristine
    """What was rendered last, which the user's edits are told from."""
    catalog: Catalog


def open_project(root: Path, catalog: Catalog) -> Opened:
    """The project at `root`; raises `BrokenProject` naming what cannot be read, `Refused` when
    it was made by a newer mai."""
    if is_plain_copy(root):
        adopt_plain_copy(root, catalog)
    manifest = _wished(root)
    base = joined_base(root, catalog) or _base(root, catalog)
    _refuse_newer(base.lock, catalog)
    for locked in base.lock.instances.values():
        if locked.component not in catalog.components:
            hint = how_to_have(locked.provider, locked.version)
            catalog.absent.setdefault(locked.component, hint)
    return Opened(root, manifest, with_adopted(root, manifest, base, catalog), catalog)


def within(root: Path, path: Path) -> Path:
    """`path`, as typed in the current folder, relative to the project; a link stands for itself.

    Raises `UsageError`.
    """
    typed = Path(os.path.normpath(path.absolute()))
    for place in (typed, typed.parent.resolve() / typed.name):
        if place.is_relative_to(root.resolve()):
            return place.relative_to(root.resolve())
    raise UsageError(f"{str(path)!r} is not in the project {str(root)!r}")


def existing(opened: Opened, path: Path) -> Path:
    """`path` as `within` gives it; raises `UnknownName` when neither you nor mai has it."""
    inside = within(opened.root, path)
    known = [Path(one) for one in opened.base.tree]
    if not (opened.root / inside).exists() and not any(p.is_relative_to(inside) for p in known):
        raise UnknownName("file", inside.as_posix(), opened.base.tree, "name one of the project")
    return inside


def adopt_plain_copy(root: Path, catalog: Catalog) -> None:
    """Gives a project that plain Copier made its manifest, lock and base: the tree that this
    version renders for the recorded answers."""
    from ..apply.state import adopt
    from ..plan.answers import complete
    from ..project.pristine import state_files
    from ..render.engine import render

    manifest = Manifest(complete(catalog.core.questions, read_copier_answers(root), {}))
    adopt(root, state_files(manifest, render(manifest, catalog)))


def _wished(root: Path) -> Manifest:
    try:
        return read_manifest(root)
    except BrokenProject:
        if both := joined_manifest(root):
            return both
        raise


def _base(root: Path, catalog: Catalog) -> Pristine:
    lock = read_lock(root)
    base = read_base(root, lock) or recovered(root, lock, catalog)
    if base is None:
        raise BrokenProject(root / BASE_PATH, "it is lost, or of another lock", "run mai doctor")
    return base


def _refuse_newer(lock: Lock, catalog: Catalog) -> None:
    from packaging.version import Version

    if Version(lock.mai_version) > Version(catalog.core.version):
        raise Refused(
            f"the project is at mai {lock.mai_version}, this is mai {catalog.core.version}",
            "update mai: uv tool upgrade mai-framework",
        )
