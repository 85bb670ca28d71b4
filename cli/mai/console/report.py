"""What a command says: data to stdout, everything else to stderr; text for people, or JSON."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import unified_diff
from typing import Any

from ..errors import MaiError
from ..plan.outcomes import Outcome, Outcomes
from ..plugins.loader import Catalog

SCHEMA = 1
"""The version of every `--json` document."""


def error(problem: MaiError, *, as_json: bool) -> None:
    """One line for what is wrong, one for what to do next."""
    if as_json:
        told = {"code": problem.code, "message": problem.message, "hint": problem.hint}
        document({"status": "error", "error": told})
        return
    sys.stderr.write(f"error: {problem.message}\n")
    if problem.hint:
        sys.stderr.write(f" hint: {problem.hint}\n")


def warning(text: str) -> None:
    sys.stderr.write(f"warning: {text}\n")


def plugin_problems(catalog: Catalog) -> None:
    """One line for each plugin that was skipped."""
    for problem in catalog.problems:
        warning(f"plugin {problem.distribution} was skipped: {problem.reason}")


def line(text: str = "") -> None:
    """A line for people. It goes to stderr: stdout belongs to data."""
    sys.stderr.write(f"{text}\n")


def document(content: Mapping[str, Any]) -> None:
    """The one JSON document of a command, on stdout."""
    json.dump({"schema": SCHEMA, **content}, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def outcomes(found: Outcomes) -> None:
    """A dry run for people: the diff of each file that would change, then their list, on stdout."""
    changed = [outcome for outcome in found if outcome.action != "identical"]
    for outcome in changed:
        sys.stdout.writelines(_diff(outcome))
    for outcome in changed:
        sys.stdout.write(f"{outcome.action:>9}  {outcome.path}\n")
    sys.stdout.write(f"{summary(found)}; nothing was written\n")


def status(told: Mapping[str, Any]) -> None:
    """What a project is made of, on stdout."""
    project = told["project"]
    lines = [f"{project['project_name']} ({project['path']}), made by mai {told['mai_version']}"]
    lines += [f"  {i['kind']} {i['name']} (from {i['component']})" for i in told["instances"]]
    lines += [
        f"{told['files']} files: {len(told['edited'])} edited, {len(told['missing'])} missing"
    ]
    lines += [f"  edited  {path}" for path in told["edited"]]
    lines += [f"  missing {path}" for path in told["missing"]]
    sys.stdout.writelines(f"{text}\n" for text in lines)


def summary(found: Outcomes) -> str:
    """`83 files to create, 2 to change`."""
    counts = Counter(outcome.action for outcome in found)
    told = [f"{count} to {action}" for action, count in counts.items() if action != "identical"]
    return ", ".join(told) or "nothing to do"


def _diff(outcome: Outcome) -> Iterable[str]:
    before = _lines(outcome.before.content if outcome.before else b"")
    after = _lines(outcome.file.content if outcome.file else b"")
    if before is None or after is None:
        return ["  (binary)\n"]
    return unified_diff(before, after, f"a/{outcome.path}", f"b/{outcome.path}")


def _lines(content: bytes) -> list[str] | None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return [f"{text_line}\n" for text_line in text.splitlines()]


@contextmanager
def progress(doing: str, *, quiet: bool = False) -> Iterator[None]:
    """Tells that something longer goes on: a spinner on a terminal, else one line."""
    if quiet:
        yield
    elif not sys.stderr.isatty():
        line(f"{doing} …")
        yield
    else:
        from rich.console import Console

        with Console(stderr=True).status(f"{doing} …"):
            yield
        line(f"{doing}: done")
