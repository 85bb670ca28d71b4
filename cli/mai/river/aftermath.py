"""What comes after an apply: uv's lock and environment, and what the user has to know or do."""

from collections.abc import Iterator
from pathlib import Path

from ..apply import undo_store
from ..console import report
from ..errors import MaiError
from ..merge.structured.env_example import env_keys
from ..plan.outcomes import Outcome, Outcomes
from ..programs import uv
from ..project.manifest import parse_key
from ..project.pristine import Pristine
from ..project.reader import read_file

UV_LOCK = "uv.lock"
_ENV = ".env.example"
_REQUIREMENTS = "pyproject.toml"


def install(root: Path, entry: undo_store.Entry, *, skipped: bool, quiet: bool) -> list[str]:
    """Locks and installs when `entry` changed `pyproject.toml`; `uv.lock` joins the entry.

    Returns what was not done, and what to type.
    """
    if _REQUIREMENTS not in entry.paths:
        return []
    if skipped:
        return ["pyproject.toml has changed: run `uv lock` and `uv sync`"]
    before = read_file(root, UV_LOCK)
    try:
        uv.find()
        with report.progress("Locking and installing", quiet=quiet):
            uv.lock(root)
            uv.sync(root)
    except MaiError as problem:
        return [f"{problem.message}\nthe project is changed: run `uv lock` and `uv sync` yourself"]
    finally:
        after = read_file(root, UV_LOCK)
        if after != before:
            undo_store.amend(root, entry, UV_LOCK, before, after)
    return []


def notes(before: Pristine, after: Pristine, outcomes: Outcomes) -> Iterator[str]:
    """What the user has to know of a change: keys of `.env.example`, migrations, components."""
    old, new = _env_keys(before), _env_keys(after)
    if added := [key for key in new if key not in old]:
        yield f"new in {_ENV}: {', '.join(added)}"
    if gone := [key for key in old if key not in new]:
        yield f"gone from {_ENV}: {', '.join(gone)}; what stands in your .env is not read any more"
    if any(_is_new_migration(outcome) for outcome in outcomes):
        yield f"there are new migrations: {after.lock.project['project_name']} db upgrade"
    if _asks_callers(before) and not _asks_callers(after):
        yield (
            "nobody is asked who is calling any more: this machine is answered, and whoever "
            "reaches the port of a container"
        )
    for key, locked in after.lock.instances.items():
        told = str(locked.contribution.get("notes", "")).strip()
        if told and key not in before.lock.instances:
            yield told


def _asks_callers(pristine: Pristine) -> bool:
    return any(parse_key(key)[0] == "auth" for key in pristine.lock.instances)


def _is_new_migration(outcome: Outcome) -> bool:
    is_new = outcome.action == "create" and outcome.source is None
    return is_new and "/migrations/versions/" in outcome.path


def _env_keys(pristine: Pristine) -> list[str]:
    file = pristine.tree.get(_ENV)
    return env_keys(file.content) if file else []
