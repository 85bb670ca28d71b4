"""What a command says: data to stdout, everything else to stderr; text for people, or JSON."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from ..errors import MaiError
from ..plan.outcomes import Outcome, Outcomes
from ..plugins.loader import Catalog, PluginProblem
from .diffs import diff
from .documents import (
    Changed,
    Checked,
    Document,
    Failed,
    Offered,
    Origin,
    Plugin,
    PluginChanged,
    Problem,
    Resolved,
    Status,
    Undone,
)

SCHEMA = 1
"""The version of every `--json` document."""

STATE = ".mai/"
"""mai's own files, which people are not shown."""


def error(problem: MaiError, *, as_json: bool) -> None:
    """One line for what is wrong, one for what to do next."""
    if as_json:
        document(Failed(error=Problem(problem.code, problem.message, problem.hint)))
        return
    sys.stderr.write(f"error: {problem.message}\n")
    if problem.hint:
        sys.stderr.write(f" hint: {problem.hint}\n")


def warning(text: str) -> None:
    sys.stderr.write(f"warning: {text}\n")


@contextmanager
def plugin_problems(catalog: Catalog) -> Iterator[None]:
    """One line for each plugin that is left out, at once or meanwhile."""
    told: list[PluginProblem] = []
    try:
        _warn_of_plugins(catalog, told)
        yield
    finally:
        _warn_of_plugins(catalog, told)


def _warn_of_plugins(catalog: Catalog, told: list[PluginProblem]) -> None:
    for problem in catalog.problems[len(told) :]:
        warning(f"plugin {problem.distribution} is left out: {problem.reason}")
        told.append(problem)


def line(text: str = "") -> None:
    """A line for people. It goes to stderr: stdout belongs to data."""
    sys.stderr.write(f"{text}\n")


def document(content: Document) -> None:
    """The one JSON document of a command, on stdout."""
    told = {"schema": SCHEMA, **asdict(content)}
    json.dump(told, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def outcomes(found: Outcomes) -> None:
    """A dry run for people: the diff of each file that would change, then their list, on stdout."""
    changed = [o for o in found if o.action != "identical" and not o.path.startswith(STATE)]
    for outcome in changed:
        if outcome.writes:
            text(diff(outcome))
    for outcome in changed:
        if outcome.writes or outcome.notes:
            sys.stdout.writelines(f"{text}\n" for text in _lines_of(outcome))
    sys.stdout.write(f"{summary(found)}; nothing was written\n")


def planned(told: Changed | Undone, found: Outcomes, *, as_json: bool) -> None:
    """What a command would do."""
    if as_json:
        document(told)
        return
    outcomes(found)
    for note in told.notes:
        line(f"note: {note}")


def changes(found: Outcomes) -> None:
    """What is about to be written, each conflict and each file that is left alone for a reason."""
    shown = [o for o in found if (o.writes or o.notes) and not o.path.startswith(STATE)]
    moved = Counter(folders for o in shown if (folders := _folders_of_move(o)))
    together = {folders for folders, count in moved.items() if count > 1}
    for source, target in sorted(together):
        count = moved[source, target]
        line(f"{'move':>9}  {source} -> {target} ({count} files)")
    sources = {outcome.source for outcome in shown}
    for outcome in shown:
        is_left = outcome.action == "remove" and outcome.path in sources
        if not is_left and (outcome.notes or _folders_of_move(outcome) not in together):
            for told in _lines_of(outcome):
                line(told)


def _folders_of_move(outcome: Outcome) -> tuple[str, str] | None:
    """The folders from which and to which a file moves with its neighbours."""
    if outcome.source is None:
        return None
    source, target = outcome.source.split("/"), outcome.path.split("/")
    while source and target and source[-1] == target[-1]:
        source.pop()
        target.pop()
    return ("/".join(source), "/".join(target)) if source and target else None


def done(told: Changed | Undone | Resolved, *, as_json: bool) -> None:
    """What came of a command on a project."""
    if as_json:
        document(told)
        return
    for note in told.notes:
        line(f"note: {note}")
    ending = _ENDINGS[told.status]
    if isinstance(told, Undone):
        ending = f"`{told.undone}` is taken back"
    elif isinstance(told, Resolved) and told.status == "done":
        ending = "done; nothing is in conflict any more"
    line(f"mai {told.command}: {ending}")


_ENDINGS = {
    "unchanged": "nothing to do",
    "done": "done; mai undo takes it back",
    "conflict": "settle the conflicts in the files, then mai resolve; or mai undo",
}


def recovered(command: str, left_alone: Iterable[str]) -> None:
    """What a killed command left half done is done now."""
    line(f"`{command}` was interrupted and is finished now")
    for path in left_alone:
        warning(f"{path} was edited since and stays as it is; mai diff shows it")


def _lines_of(outcome: Outcome) -> Iterator[str]:
    source = f" (from {outcome.source})" if outcome.source else ""
    yield f"{outcome.action:>9}  {outcome.path}{source}"
    for note in outcome.notes:
        yield f"{'':>9}  {note}"


def status(told: Status) -> None:
    """What a project is made of, on stdout."""
    project = told.project
    lines = [f"{project['project_name']} ({project['path']}), made by mai {told.mai_version}"]
    lines += [f"  {i.kind} {i.name} (from {i.component})" for i in told.instances]
    for one in told.plugins:
        lines.append("; ".join(filter(None, (f"{one.name}: {one.told}", one.mend))))
    lines += [f"{told.files} files: {len(told.edited)} edited, {len(told.missing)} missing"]
    lines += [f"  edited  {path}" for path in told.edited]
    lines += [f"  missing {path}" for path in told.missing]
    lines += [f"  conflict {path}" for path in told.conflicts]
    if told.installed_version != told.mai_version:
        lines.append(f"mai {told.installed_version} is installed: mai update")
    if told.manifest_edited:
        lines.append("the manifest was edited or merged since the last change: mai set")
    sys.stdout.writelines(f"{text}\n" for text in lines)


def components(found: Iterable[Offered]) -> None:
    """What can be added, a line each, on stdout."""
    rows = [(f"{one.kind} {one.name}", one) for one in found]
    width = max((len(name) for name, _ in rows), default=0)
    for name, one in rows:
        text(f"{name:<{width}}  {one.summary} [{one.provider} {one.version}]\n")


def plugins(found: Iterable[Plugin]) -> None:
    """The installed plugins, on stdout."""
    for one in found:
        text(f"{one.distribution} {one.version} ({one.source}): {one.state}\n")
        for component in one.components:
            text(f"  {component}\n")
        for problem in one.problems:
            text(f"  skipped: {problem}\n")


def plugin_offer(told: PluginChanged) -> None:
    """What comes or goes with a plugin, and which commands do it."""
    verb = "adds" if told.command == "plugin install" else "takes along"
    line(f"{told.distribution} {told.version}".rstrip())
    for component in told.components:
        line(f"  {verb} {component}")
    for requirement in told.requires:
        line(f"  needs {requirement}")
    if told.command == "plugin install":
        line("  once installed, its code runs as part of mai, with your rights")
    for note in told.notes:
        line(f"note: {note}")
    for command in told.run:
        line(f"  $ {command}")


def plugin_done(told: PluginChanged, *, as_json: bool) -> None:
    """What came of it."""
    if as_json:
        document(told)
        return
    if told.status == "failed":
        for note in told.notes:
            warning(note)
    line(f"mai {told.command}: {_PLUGIN_ENDINGS[told.status]}")


_PLUGIN_ENDINGS = {
    "planned": "nothing was done",
    "done": "done",
    "failed": "it is installed and cannot be used: mai plugin doctor",
}


def why(told: Origin) -> None:
    """Whose a file is, on stdout."""
    if told.owner is None:
        text(f"{told.path}: {told.meaning}\n")
        return
    origin = f" ({told.component})" if told.component else ""
    state = "missing" if told.missing else "edited" if told.edited else "as it was made"
    text(f"{told.path}: of {told.owner}{origin}, {told.provider}\n")
    text(f"  {told.policy}: {told.meaning}\n  {state}\n")
    for key, added in told.contributions.items():
        text(f"  {key} adds {', '.join(added)}\n")


def checks(told: Checked, *, as_json: bool) -> None:
    """What was looked at, and how to mend what is wrong, on stdout."""
    if as_json:
        document(told)
        return
    for one in told.checks:
        text(f"{'ok' if one.ok else 'FAIL':>4}  {one.name}: {one.told}\n")
        if one.mend and not one.ok:
            text(f"      mend: {one.mend}\n")


def text(content: str) -> None:
    """Data for people, on stdout."""
    sys.stdout.write(content)


def summary(found: Outcomes) -> str:
    """`83 files to create, 2 to change`."""
    shown = (o for o in found if o.writes and not o.path.startswith(STATE))
    counts = Counter(outcome.action for outcome in shown)
    told = [f"{count} to {action}" for action, count in counts.items()]
    return ", ".join(told) or "nothing to do"


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
