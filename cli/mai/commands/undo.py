"""`mai undo`: the project as it was before the last change, with what was edited since."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from .app import HELP_OPTIONS
from .options import AsJson, DryRun, NoInstall, Ours, Theirs

if TYPE_CHECKING:
    from ..apply.undo_store import Entry
    from ..console.documents import Undone
    from ..plan.outcomes import Outcome
    from ..river.choices import Choices

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command()
def undo(
    dry_run: DryRun = False,
    as_json: AsJson = False,
    ours: Ours = False,
    theirs: Theirs = False,
    no_install: NoInstall = False,
) -> None:
    """Take back the last change that mai made; what was edited since stays."""
    from ..apply import undo_store
    from ..apply.transaction import apply
    from ..console import report
    from ..project.reader import find_root
    from ..river import aftermath
    from ..river.choices import Choices
    from ..river.flow import at_work

    choices = Choices(dry_run, as_json, False, ours, theirs)
    root = find_root(Path.cwd())
    with at_work(root, resolving=True):
        entry = _last(root)
        outcomes = _outcomes(root, entry, choices)
        if dry_run:
            planned = _told("planned", entry, outcomes)
            report.planned(planned, outcomes, as_json=as_json)
            return
        _refuse_conflicts(entry, outcomes)
        if not as_json:
            report.changes(outcomes)
        own = apply(root, outcomes, "mai undo")
        notes = []
        if own:
            notes = aftermath.install(root, own, skipped=no_install, quiet=as_json)
        # Its own entry goes last: until then it says that `entry` is taken back.
        undo_store.drop(root, entry)
        if own:
            undo_store.drop(root, own)
        report.done(_told("done", entry, outcomes, notes), as_json=as_json)


def _last(root: Path) -> "Entry":
    """The change to take back; raises `Refused` when there is none, or another one came since."""
    from ..apply import undo_store
    from ..errors import Refused
    from ..project import lock
    from ..project.reader import read_file

    entry = undo_store.latest(root)
    if entry and entry.command == "mai undo":
        # It was killed after its last write: what it took back is not to be taken back again.
        for undone in undo_store.entries(root):
            if undone.number == entry.number - 1:
                undo_store.drop(root, undone)
        undo_store.drop(root, entry)
        entry = undo_store.latest(root)
    if entry is None:
        raise Refused("there is nothing to undo", "git log shows what was committed")
    here = read_file(root, lock.PATH)
    if lock.PATH in entry.after and (here is None or here != entry.after[lock.PATH]):
        raise Refused(
            f"{lock.PATH} is not as `{entry.command}` left it: another branch, or another change",
            "go back with git, or to the branch where the command was run",
        )
    return entry


def _outcomes(root: Path, entry: "Entry", choices: "Choices") -> "list[Outcome]":
    from ..merge.three_way import How, three_way
    from ..programs.formatter import formatters
    from ..project.reader import read_yours
    from ..river.aftermath import UV_LOCK

    yours = read_yours(root, {}, also=entry.paths)
    edited_lock = yours.get(UV_LOCK) != entry.after.get(UV_LOCK)
    how = How(
        new_label=f"the version before `{entry.command}`",
        favor=choices.favor,
        skipped=frozenset({UV_LOCK} if edited_lock else ()),
        formatters=formatters(root),
    )
    return three_way(entry.after, yours, entry.before, how)


def _refuse_conflicts(entry: "Entry", outcomes: "list[Outcome]") -> None:
    from ..errors import Refused

    if found := [outcome.path for outcome in outcomes if outcome.action == "conflict"]:
        raise Refused(
            f"what `{entry.command}` changed was edited since: {', '.join(found)}",
            "--ours keeps your lines there, --theirs restores those from before",
        )


def _told(
    status: Literal["planned", "done"],
    entry: "Entry",
    outcomes: "list[Outcome]",
    notes: Sequence[str] = (),
) -> "Undone":
    from ..console.documents import Undone, file_outcomes

    return Undone(
        status=status,
        undone=entry.command,
        outcomes=file_outcomes(outcomes, planned=status == "planned"),
        notes=notes,
    )
