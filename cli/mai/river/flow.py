"""The one river: a wish -> both manifests -> both trees -> three-way merge -> show -> apply.

Every command on a project is this with a wish of its own; a dry run is this without its end.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from ..apply import pending
from ..apply.transaction import apply, locked
from ..apply.undo_store import Entry
from ..console import person, report
from ..console.documents import Changed, ChangeStatus, Verb
from ..plugins import loader
from ..plugins.loader import Catalog
from ..plugins.values import Project
from ..project.reader import find_root
from . import aftermath
from .choices import Choices
from .opening import Opened, open_project
from .planning import Plan, Wish, plan_of


@contextmanager
def at_work(root: Path, *, resolving: bool = False) -> Iterator[None]:
    """Lets no other mai work in the project meanwhile; first finishes what a killed one began.

    Raises `Refused` while conflicts wait, unless the command is about them.
    """
    with locked(root) as recovered:
        if recovered:
            report.recovered(recovered.entry.command, recovered.left_alone)
        if not resolving:
            pending.refuse(root)
        yield


def run(
    verb: Verb, arguments: Iterable[str], wished: Callable[[Opened], Wish], choices: Choices
) -> int:
    """Carries out a command on the project of the current folder, from its wish to its report.

    `mai undo` calls it by `verb` and `arguments`. Returns its exit code: 1 when conflicts are left
    to the user.
    """
    catalog = loader.load_catalog()
    root = find_root(Path.cwd())
    # A dry run writes nothing: it needs no lock.
    lock = nullcontext() if choices.dry_run else at_work(root)
    with report.plugin_problems(catalog), lock:
        plan = planned(root, catalog, verb, arguments, wished, choices)
        if choices.dry_run:
            report.planned(plan.told("planned"), plan.outcomes, as_json=choices.as_json)
            return 0
        return carry_out(plan, catalog, choices)


def planned(
    root: Path,
    catalog: Catalog,
    verb: Verb,
    arguments: Iterable[str],
    wished: Callable[[Opened], Wish],
    choices: Choices,
) -> Plan:
    """What a wish comes to for the project at `root`, as it is now."""
    opened = open_project(root, catalog)
    wish = wished(opened)
    with report.progress("Rendering", quiet=choices.as_json):
        plan = plan_of(verb, arguments, opened, wish, choices)
    catalog.plan_created(plan.for_plugins)
    return plan


def carry_out(plan: Plan, catalog: Catalog, choices: Choices) -> int:
    """Shows what is to come, applies it, and tells what came of it; returns the exit code."""
    if not any(outcome.writes for outcome in plan.outcomes):
        report.done(plan.told("unchanged"), as_json=choices.as_json)
        return 0
    if not choices.as_json:
        report.changes(plan.outcomes)
    if plan.conflicts and not (choices.yes or choices.as_json) and not _confirmed():
        report.line("nothing was written")
        return 1
    told = written(plan, catalog, choices)
    report.done(told, as_json=choices.as_json)
    return 1 if plan.conflicts else 0


def written(plan: Plan, catalog: Catalog, choices: Choices) -> Changed:
    """Applies a plan, and tells what came of it."""
    outcomes = list(plan.outcomes)
    if plan.conflicts:
        outcomes.append(pending.outcome(plan.command, plan.conflicts))
    entry = apply(plan.root, outcomes, plan.command)
    notes = [*aftermath.notes(plan.before, plan.after, plan.outcomes)]
    if entry and not plan.conflicts:
        notes += _installed(plan, entry, choices)
    catalog.applied(plan.for_plugins, Project(plan.after.manifest, plan.root))
    status: ChangeStatus = "conflict" if plan.conflicts else "done"
    return plan.told(status, notes)


def _confirmed() -> bool:
    """Whether conflicts may be written into files; nobody there to ask is a yes."""
    if not person.is_there():
        return True
    from ..console import ask

    return ask.confirm("Write the conflicts into the files?")


def _installed(plan: Plan, entry: Entry, choices: Choices) -> list[str]:
    return aftermath.install(plan.root, entry, skipped=choices.no_install, quiet=choices.as_json)
