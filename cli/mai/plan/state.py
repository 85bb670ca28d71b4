"""What mai keeps in a project: manifest, lock and base, as files."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from .. import __version__
from ..plugins.component import Component
from ..plugins.loader import Catalog
from ..project import lock, manifest
from ..project.lock import Lock, LockedFile, LockedInstance, Policy
from ..project.manifest import Manifest
from ..project.tree import File, Tree, to_archive
from .contributions import contribution_of

BASE_PATH = ".mai/base.tar.gz"


def state_files(made: Manifest, tree: Tree, owners: Mapping[str, str], catalog: Catalog) -> Tree:
    """`.mai/manifest.toml`, `.mai/lock.json` and `.mai/base.tar.gz` for a project of `tree`."""
    locked = lock_of(made, tree, owners, catalog)
    return {
        manifest.PATH: File(made.to_toml().encode()),
        lock.PATH: File(locked.to_json().encode()),
        BASE_PATH: File(to_archive(tree)),
    }


def lock_of(made: Manifest, tree: Tree, owners: Mapping[str, str], catalog: Catalog) -> Lock:
    components = {instance.key: catalog[instance.component] for instance in made.instances}
    return Lock(
        mai_version=__version__,
        instances={
            key: LockedInstance(
                component=component.id,
                provider=catalog.providers[component.id].distribution,
                version=catalog.providers[component.id].version,
                contribution=contribution_of(component),
            )
            for key, component in components.items()
        },
        files={
            path: LockedFile(
                owners[path], file.blob_sha, _policy(path, components.get(owners[path]))
            )
            for path, file in tree.items()
        },
    )


def _policy(path: str, owner: Component | None) -> Policy:
    if owner is None:
        return "managed"
    if any(fnmatchcase(path, glob) for glob in owner.files.keep):
        return "keep"
    if any(fnmatchcase(path, glob) for glob in owner.files.once):
        return "once"
    return "managed"
