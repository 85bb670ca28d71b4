"""What was rendered: answers, versions, contributions and files, as `.mai/lock.json`.

The manifest says what the user wants, the lock what the base was rendered from. Where the two
differ, the manifest was edited or merged by hand since.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

from .manifest import Instance, Manifest, parse_key
from .tree import Tree

PATH = ".mai/lock.json"
SCHEMA = 1

Policy = Literal["managed", "once", "keep"]


@dataclass(frozen=True)
class LockedInstance:
    """What an instance was rendered from, and what it added to shared files."""

    component: str
    provider: str
    version: str
    answers: Mapping[str, Any]
    contribution: Mapping[str, Any]


@dataclass(frozen=True)
class LockedFile:
    owner: str
    """`core`, or the key of an instance."""
    sha: str
    """Git's blob name of the pristine content."""
    policy: Policy


@dataclass(frozen=True)
class Lock:
    mai_version: str
    """The version of the core."""
    project: Mapping[str, Any]
    """The core's answers."""
    instances: Mapping[str, LockedInstance]
    files: Mapping[str, LockedFile]

    def to_json(self) -> str:
        """The text of `.mai/lock.json`, always the same for the same lock."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1, sort_keys=True) + "\n"

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest that the base was rendered from."""
        return Manifest(self.project).with_instances(
            Instance(*parse_key(key), locked.component, locked.answers)
            for key, locked in self.instances.items()
        )

    def describes(self, base: Tree) -> bool:
        """Whether `base` is the tree that this lock was written for."""
        return {path: file.blob_sha for path, file in base.items()} == {
            path: locked.sha for path, locked in self.files.items()
        }


def from_json(text: str) -> Lock:
    stated = json.loads(text)
    return Lock(
        mai_version=stated["mai_version"],
        project=stated["project"],
        instances={key: LockedInstance(**value) for key, value in stated["instances"].items()},
        files={path: LockedFile(**value) for path, value in stated["files"].items()},
    )
