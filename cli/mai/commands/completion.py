"""What `<TAB>` offers of the installed components, without importing a plugin.

`mai list` leaves behind what it found. Where that is not of what is installed, a `mai list` in a
process of its own finds it anew, whatever a plugin does there.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import typer
from platformdirs import user_cache_path

WAIT_S = 5.0
"""How long a shell waits for a list that is made anew; what comes later is there the next time."""


def kinds(incomplete: str) -> Iterator[str]:
    """The kinds of which there is a component."""
    found = dict.fromkeys(id_.partition("/")[0] for id_ in offered())
    yield from (kind for kind in found if kind.startswith(incomplete))


def names(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """The components of the kind that was typed, as one names them, each with its summary."""
    for id_, summary in offered().items():
        kind, _, name = id_.partition("/")
        name = name.replace("_", "-")
        if kind == ctx.params.get("kind") and name.startswith(incomplete):
            yield name, summary


def components(incomplete: str) -> Iterator[tuple[str, str]]:
    """The components of every kind by their ids, each with its summary."""
    yield from ((id_, told) for id_, told in offered().items() if id_.startswith(incomplete))


def offered() -> dict[str, str]:
    """The id of every component that is installed, with its summary."""
    found = _remembered()
    if found is None:
        _list_anew()
        found = _remembered() or {}
    return found


def remember(components: Mapping[str, str], sources: Iterable[Path]) -> None:
    """Keeps the ids and summaries of all components for completion, as long as nothing is
    installed and `sources`, from which they were read, are as they are."""
    told = {
        "places": _places(),
        "sources": {str(path): _changed_ns(path) for path in sources},
        "components": dict(components),
    }
    place = _place()
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=place.parent, delete=False, encoding="utf-8") as file:
            json.dump(told, file)
        Path(file.name).replace(place)


def _remembered() -> dict[str, str] | None:
    """What `remember` kept; nothing when it cannot be read or is not of what is installed."""
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        told = json.loads(_place().read_text(encoding="utf-8"))
        is_same = told["places"] == _places() and all(
            _changed_ns(Path(path)) == changed_ns for path, changed_ns in told["sources"].items()
        )
        if is_same and all(re.fullmatch(r"[a-z]+/[a-z0-9_]+", id_) for id_ in told["components"]):
            return {id_: str(summary) for id_, summary in told["components"].items()}
    return None


def _places() -> dict[str, int]:
    """Each folder in which distributions lie, with when one came or went."""
    return {place: _changed_ns(Path(place)) for place in sys.path if _has_distributions(place)}


def _has_distributions(place: str) -> bool:
    with suppress(OSError):
        return any(one.suffix in {".dist-info", ".egg-info"} for one in Path(place).iterdir())
    return False


def _changed_ns(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_mtime_ns
    return 0


def _list_anew() -> None:
    # Not from the current folder, where another `mai` may lie.
    command = [sys.executable, "-P", "-m", "mai", "list"]
    env = {key: value for key, value in os.environ.items() if not key.startswith("_MAI_COMPLETE")}
    null = subprocess.DEVNULL
    with suppress(OSError, subprocess.TimeoutExpired):
        child = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, env=env)
        child.wait(WAIT_S)


def _place() -> Path:
    """One file for each environment that mai is installed in."""
    environment = hashlib.sha256(sys.prefix.encode()).hexdigest()[:16]
    return user_cache_path("mai") / f"components-{environment}.json"
