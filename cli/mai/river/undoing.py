"""The last change taken back: merged to the tree before it, so that later edits stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..apply import undo_store
from ..apply.transaction import apply
from ..apply.undo_store import Entry
from ..console.documents import Undone, file_outcomes
from ..errors import Refused
from ..merge.lines import Labels
from ..merge.three_way import How, three_way
from ..plan.outcomes import Outcome, Outcomes
from ..programs.formatter import formatters
from ..project import lock
from ..project.reader import read_file, read_yours
from . import aftermath
from .choices import Choices


@dataclass(frozen=True)
class Undoing:
    """What taking back a change comes to."""

    root: Path
    entry: Entry
    """The change that is taken back."""
    outcomes: Outcomes

    def told(self, status: Literal["planned", "done"], notes: Sequence[str] = ()) -> Undone:
        """The document of `--json`."""
        return Undone(
            status=status,
            undone=self.entry.command,
            outcomes=file_outcomes(self.outcomes, planned=status == "planned"),
            notes=notes,
        )

    def refuse_conflicts(self) -> None:
        """Raises `Refused` when lines that the change brought were edited since."""
        found = [outcome.path for outcome in self.outcomes if outcome.action == "conflict"]
        if found:
            raise Refused(
                f"what `{self.entry.command}` changed was edited since: {', '.join(found)}",
                "--ours keeps your lines there, --theirs restores those from before",
            )


def undoing_of(root: Path, choices: Choices) -> Undoing:
    """What `mai undo` comes to; raises `Refused` when there is nothing to take back, or another
    change came since."""
    entry = _last(root)
    return Undoing(root, entry, _outcomes(root, entry, choices))


def take_back(undoing: Undoing, choices: Choices) -> Undone:
    """Writes it, and tells what came of it."""
    root = undoing.root
    own = apply(root, undoing.outcomes, "mai undo")
    notes = []
    if own:
        notes = aftermath.install(root, own, skipped=choices.no_install, quiet=choices.as_json)
    # Its own entry goes last: until then it says that the change is taken back.
    undo_store.drop(root, undoing.entry)
    if own:
        undo_store.drop(root, own)
    return undoing.told("done", notes)


def _last(root: Path) -> Entry:
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


def _outcomes(root: Path, entry: Entry, choices: Choices) -> list[Outcome]:
    yours = read_yours(root, {}, also=entry.paths)
    edited_lock = yours.get(aftermath.UV_LOCK) != entry.after.get(aftermath.UV_LOCK)
    how = How(
        labels=Labels(f"the version before `{entry.command}`"),
        favor=choices.favor,
        skipped=frozenset({aftermath.UV_LOCK} if edited_lock else ()),
        formatters=formatters(root),
    )
    return three_way(entry.after, yours, entry.before, how)
