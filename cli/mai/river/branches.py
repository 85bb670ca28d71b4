"""What git made of `.mai/` when it merged two branches, brought together again.

The base belongs to the lock, and git merges neither. So after a merge, a squash or a rebase the
two are those of one branch, while manifest and files are those of both.
"""

import tomllib
from collections.abc import Iterable, Set
from contextlib import suppress
from pathlib import Path

from packaging.version import Version

from ..errors import MaiError
from ..plugins.loader import Catalog
from ..programs import git
from ..project import lock as _lock
from ..project import manifest as _manifest
from ..project.lock import Lock
from ..project.manifest import Manifest
from ..project.pristine import BASE_PATH, Pristine
from ..project.reader import read_file, read_lock, read_yours
from ..project.tree import Tree, from_archive

_EMPTY = Pristine(Lock("0", {}, {}, {}), {})


def joined_base(root: Path, catalog: Catalog) -> Pristine | None:
    """The base of both branches; nothing when what lies in `.mai/` is that already."""
    sides = _sides_of_merge(root)
    if sides is None:
        return None
    from ..merge.pristine import joined

    ancestor, ours, theirs = sides
    both = joined(*sides, lambda manifest: _rendered(manifest, catalog, ours))
    return _arranged(root, both, theirs.lock.instances.keys() - ancestor.lock.instances, catalog)


def joined_manifest(root: Path) -> Manifest | None:
    """The manifest of both branches, when git left a conflict in it and none is in what they say:
    two tables that were added in one place, say."""
    stages = git.unmerged(root, [_manifest.PATH]).get(_manifest.PATH, {})
    sides = [_read(stages[stage]) for stage in (1, 2, 3) if stage in stages]
    if len(sides) != 3 or None in sides:  # noqa: PLR2004
        return None
    from ..merge.pristine import joined_wishes

    return joined_wishes(*(side for side in sides if side))


def _read(content: bytes) -> Manifest | None:
    with suppress(tomllib.TOMLDecodeError, UnicodeDecodeError, *_manifest.BROKEN):
        return _manifest.from_mapping(tomllib.loads(content.decode()))
    return None


def is_joined(root: Path) -> bool:
    """Whether lock and base are those of the branch, and of all that was merged into it."""
    return _sides_of_merge(root) is None


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
    return None if _is_whole(root, ours.lock, theirs.lock) else (ancestor, ours, theirs)


def _is_whole(root: Path, *sides: Lock) -> bool:
    """Whether the lock here says all that the manifest wants, at the newest versions of both."""
    here = read_lock(root)
    newest = max((side.mai_version for side in sides), key=Version)
    return here.manifest == _wished(root) and here.mai_version == newest


def _wished(root: Path) -> Manifest | None:
    file = read_file(root, _manifest.PATH)
    return _read(file.content) if file else None


def _side(unmerged: git.Stages, stage: int) -> Pristine:
    return _pristine({path: stages.get(stage) for path, stages in unmerged.items()})


def _pristine(files: dict[str, bytes | None]) -> Pristine:
    lock, base = files[_lock.PATH], files[BASE_PATH]
    if lock is None or base is None:
        return _EMPTY
    return Pristine(_lock.from_json(lock.decode()), from_archive(base))


def with_adopted(root: Path, manifest: Manifest, base: Pristine, catalog: Catalog) -> Pristine:
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
