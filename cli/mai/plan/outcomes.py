"""What would happen to each file: the result of a plan, and all that a dry run shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..plugins.values import Action, FileChange, Plan
from ..project.manifest import Manifest
from ..project.tree import File, Tree


@dataclass(frozen=True)
class Outcome:
    path: str
    action: Action
    file: File | None
    """What the file will be; nothing for `remove` and for what is left alone."""
    before: File | None = None
    """What the file is now."""
    source: str | None = None
    """Where the file lies now, when it moves to `path`."""
    notes: tuple[str, ...] = ()
    """Why it is left alone, what of yours was kept, what has to be decided."""

    @property
    def writes(self) -> bool:
        """Whether anything happens to the file."""
        if self.action == "remove":
            return self.before is not None
        return self.action not in {"identical", "skip"} and self.file not in (None, self.before)


Outcomes = Sequence[Outcome]


def for_plugins(command: str, before: Manifest | None, after: Manifest, outcomes: Outcomes) -> Plan:
    """What plugins are told of a plan."""
    files = (FileChange(o.path, o.action, o.source) for o in outcomes if o.action != "identical")
    return Plan(command, before, after, tuple(files))


def carried_out(tree: Tree, outcomes: Outcomes) -> dict[str, File]:
    """`tree` after `outcomes`, as a value."""
    after = dict(tree)
    for outcome in outcomes:
        if outcome.action == "remove":
            after.pop(outcome.path, None)
        elif outcome.writes and outcome.file is not None:
            after[outcome.path] = outcome.file
    return after
