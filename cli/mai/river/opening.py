"""Opening a project: what it is made of, and which tree its edits are told from.

The base belongs to the lock, and git merges neither. So after a merge, a squash or a rebase the
two are those of one branch, while manifest and files are those of both: here they are brought
together again.
"""

import os
from collections.abc import Iterable, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import BrokenProject, Refused, UnknownName, UsageError
from ..plugins.loader import Catalog
from ..programs import git
from ..project import lock as _lock
from ..project.lock import Lock
from ..project.manifest import Manifest
from ..project.pristine import BASE_PATH, Pristine
from ..project.reader import (
    is_plain_copy,
    read_base,
    read_copier_answers,
    read_file,
    read_lock,
    read_manifest,
    read_yours,
)
from ..project.tree import File, Tree, from_archive

_EMPTY = Pristine(Lock("0", {}, {}, {}), {})


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
    manifest = read_manifest(root)
    base = _base(root, catalog)
    _refuse_newer(base.lock, catalog)
    return Opened(root, manifest, _with_adopted(root, manifest, base, catalog), catalog)


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


def _base(root: Path, catalog: Catalog) -> Pristine:
    if sides := _sides_of_merge(root):
        from ..merge.pristine import joined

        ancestor, ours, theirs = sides
        both = joined(*sides, lambda manifest: _rendered(manifest, catalog, ours))
        return _arranged(
            root, both, theirs.lock.instances.keys() - ancestor.lock.instances, catalog
        )
    lock = read_lock(root)
    base = read_base(root, lock) or _recovered(root, lock, catalog)
    if base is None:
        raise BrokenProject(root / BASE_PATH, "it is lost, or of another lock", "run mai doctor")
    return base


def is_joined(root: Path) -> bool:
    """Whether lock and base are those of the branch, and of all that was merged into it."""
    return _sides_of_merge(root) is None


def is_recoverable(root: Path, lock: Lock, catalog: Catalog) -> bool:
    """Whether a lost base can be restored to the byte."""
    return _recovered(root, lock, catalog) is not None


def restore_base(root: Path, catalog: Catalog) -> None:
    """Writes a lost base again, when there is no doubt about it."""
    lock = read_lock(root)
    if read_base(root, lock) is None and (base := _recovered(root, lock, catalog)):
        _write_base(root, base)


def adopt_tree(root: Path) -> None:
    """Makes do without a lost base: of the files that nobody edited, as the lock knows.

    The others are the user's own from now on: `mai update` tells them as conflicts.
    """
    lock = read_lock(root)
    if read_base(root, lock) is not None:
        return
    found = ((path, read_file(root, path)) for path in lock.files)
    tree = {path: file for path, file in found if file and file.blob_sha == lock.files[path].sha}
    files = {path: lock.files[path] for path in tree}
    _write_base(root, Pristine(replace(lock, files=files), tree))


def _write_base(root: Path, base: Pristine) -> None:
    from ..apply.transaction import apply
    from .state import state_outcomes

    manifest = read_manifest(root)
    apply(root, state_outcomes(root, manifest, manifest, base), "mai doctor")


def _recovered(root: Path, lock: Lock, catalog: Catalog) -> Pristine | None:
    return _rendered_again(lock, catalog) or _from_objects(root, lock)


def _rendered_again(lock: Lock, catalog: Catalog) -> Pristine | None:
    """The base that these versions render, when it is the one that the lock describes."""
    from ..errors import MaiError
    from ..render.engine import render

    with suppress(MaiError):
        tree = render(lock.manifest, catalog).tree
        return Pristine(lock, tree) if lock.describes(tree) else None
    return None


def _from_objects(root: Path, lock: Lock) -> Pristine | None:
    """The base from files that nobody edited and from git's objects: the lock names each by its
    blob, and a project's first commit held it."""
    tree: dict[str, File] = {}
    for path, locked in lock.files.items():
        file = read_file(root, path)
        if file is None or file.blob_sha != locked.sha:
            content = git.blob(root, locked.sha)
            if content is None:
                return None
            file = File(content, file.executable if file else False)
        tree[path] = file
    return Pristine(lock, tree)


def _sides_of_merge(root: Path) -> tuple[Pristine, Pristine, Pristine] | None:
    """The bases of where two branches parted, of ours and of theirs, when what lies in `.mai/`
    is not yet that of both."""
    here = read_file(root, _lock.PATH)
    if unmerged := git.unmerged(root, [_lock.PATH, BASE_PATH]):
        locks = [unmerged[_lock.PATH].get(stage) for stage in (2, 3)]
        if here is not None and here.content not in locks:
            return None  # joined, and the user has not told git yet
        return _side(unmerged, 1), _side(unmerged, 2), _side(unmerged, 3)
    commits = git.merged_commits(root)
    if commits is None or here is None:
        return None
    sides = [{p: git.file_at(root, c, p) for p in (_lock.PATH, BASE_PATH)} for c in commits]
    locks = [side[_lock.PATH] for side in sides]
    if here.content not in locks[1:] or len(set(locks)) < 3:  # noqa: PLR2004
        return None
    if git.file_at(root, "HEAD", _lock.PATH) != here.content:
        return None  # it was joined, and is like one side again after a remove
    ancestor, ours, theirs = (_pristine(side) for side in sides)
    return ancestor, ours, theirs


def _side(unmerged: git.Stages, stage: int) -> Pristine:
    return _pristine({path: stages.get(stage) for path, stages in unmerged.items()})


def _pristine(files: dict[str, bytes | None]) -> Pristine:
    lock, base = files[_lock.PATH], files[BASE_PATH]
    if lock is None or base is None:
        return _EMPTY
    return Pristine(_lock.from_json(lock.decode()), from_archive(base))


def _with_adopted(root: Path, manifest: Manifest, base: Pristine, catalog: Catalog) -> Pristine:
    """`base` with the instances that the manifest has and the lock does not, if their files are
    there: another branch added them, and what they hold is the user's."""
    unknown = [i for i in manifest.instances if base.manifest.get(i.key) is None]
    if not unknown:
        return base
    from ..merge.pristine import carried
    from ..render.engine import render

    everything = render(base.manifest.with_instances(unknown), catalog, base)
    there = [i for i in unknown if _has_files(root, everything.owned_by(i.key))]
    if not there:
        return base
    before = render(base.manifest, catalog, base)
    after = render(base.manifest.with_instances(there), catalog, base)
    return _arranged(root, carried(base, before, after), {i.key for i in there}, catalog)


def _rendered(manifest: Manifest, catalog: Catalog, base: Pristine) -> Tree:
    """What the installed versions render; nothing when they do not take these answers."""
    from ..errors import MaiError
    from ..render.engine import render

    with suppress(MaiError):
        return render(manifest, catalog, base).tree
    return {}


def _arranged(root: Path, base: Pristine, keys: Set[str], catalog: Catalog) -> Pristine:
    """`base` with its lists of instances in the order in which the user put those of `keys`: who
    settles a merge takes one side and then the other, where a render sorts."""
    from ..merge.pristine import arranged

    rendered = _rendered(base.manifest, catalog, base)
    yours = read_yours(root, base.owned_by("core"))
    if all(
        yours.get(path) == file or rendered.get(path) != file for path, file in base.tree.items()
    ):
        return base
    moved = [instance for instance in base.manifest.instances if instance.key in keys]
    rest = [instance for instance in base.manifest.instances if instance.key not in keys]
    orders = ((*rest[:at], *moved, *rest[at:]) for at in range(len(rest) + 1))
    manifests = (Manifest(base.manifest.project, order) for order in orders)
    others = [_rendered(manifest, catalog, base) for manifest in manifests]
    # What an older version rendered has no other order that could be rendered now.
    known = {path for path, file in base.tree.items() if rendered.get(path) == file}
    return arranged(base, yours, [{p: o[p] for p in known & o.keys()} for o in others])


def _has_files(root: Path, paths: Iterable[str]) -> bool:
    return any((root / path).exists() for path in paths)


def _refuse_newer(lock: Lock, catalog: Catalog) -> None:
    from packaging.version import Version

    if Version(lock.mai_version) > Version(catalog.core.version):
        raise Refused(
            f"the project is at mai {lock.mai_version}, this is mai {catalog.core.version}",
            "update mai: uv tool upgrade mai-framework",
        )
