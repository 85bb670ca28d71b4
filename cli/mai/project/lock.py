"""What was rendered: versions, contributions and files, as `.mai/lock.json`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

PATH = ".mai/lock.json"
SCHEMA = 1

Policy = Literal["managed", "once", "keep"]


@dataclass(frozen=True)
class LockedInstance:
    """Where an instance came from and what it added to shared files."""

    component: str
    provider: str
    version: str
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
    instances: Mapping[str, LockedInstance]
    files: Mapping[str, LockedFile]

    def to_json(self) -> str:
        """The text of `.mai/lock.json`, always the same for the same lock."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1, sort_keys=True) + "\n"


def from_json(text: str) -> Lock:
    stated = json.loads(text)
    return Lock(
        mai_version=stated["mai_version"],
        instances={key: LockedInstance(**value) for key, value in stated["instances"].items()},
        files={path: LockedFile(**value) for path, value in stated["files"].items()},
    )
