"""A rendered tree with what it was rendered from: the base of a project, and what it becomes."""

from collections.abc import Mapping
from dataclasses import dataclass

from . import lock as _lock
from . import manifest as _manifest
from .lock import Lock, Policy
from .manifest import Manifest
from .tree import File, Tree, to_archive

BASE_PATH = ".mai/base.tar.gz"


@dataclass(frozen=True)
class Pristine:
    """A tree as nobody has edited it yet."""

    lock: Lock
    tree: Tree

    @property
    def manifest(self) -> Manifest:
        return self.lock.manifest

    def owned_by(self, key: str) -> dict[str, File]:
        """The files of one instance, or of `core`."""
        return {
            path: file for path, file in self.tree.items() if self.lock.files[path].owner == key
        }

    def with_policy(self, policy: Policy) -> set[str]:
        return {path for path, locked in self.lock.files.items() if locked.policy == policy}


def state_files(manifest: Manifest, pristine: Pristine) -> Mapping[str, File]:
    """`.mai/manifest.toml`, `.mai/lock.json` and `.mai/base.tar.gz` of a project."""
    return {
        _manifest.PATH: File(manifest.to_toml().encode()),
        _lock.PATH: File(pristine.lock.to_json().encode()),
        BASE_PATH: File(to_archive(pristine.tree)),
    }
