"""What `--json` prints: one document a command, with `schema` (`report.SCHEMA`) before its fields.

Every field is always there, null or empty when there is nothing to say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..plan.outcomes import Outcomes
from ..plugins.check import Check
from ..plugins.loader import Catalog
from ..plugins.values import Action
from ..project.manifest import Instance
from .diffs import diff

Verb = Literal["add", "remove", "set", "update"]
"""The commands that are one river."""
ChangeStatus = Literal["planned", "unchanged", "done", "conflict"]


@dataclass(frozen=True)
class FileOutcome:
    """What becomes, or became, of one file."""

    path: str
    action: Action
    source: str | None
    """Where the file lay, when it moves to `path`."""
    notes: Sequence[str]
    """Why it is left alone, what of yours was kept, what you have to decide."""
    diff: str | None
    """The unified diff of a dry run; null once it is done."""


def file_outcomes(outcomes: Outcomes, *, planned: bool) -> list[FileOutcome]:
    """`outcomes` without the files that stay as they are."""
    return [
        FileOutcome(
            path=outcome.path,
            action=outcome.action,
            source=outcome.source,
            notes=outcome.notes,
            diff=diff(outcome) if planned and outcome.writes else None,
        )
        for outcome in outcomes
        if outcome.action != "identical"
    ]


@dataclass(frozen=True, kw_only=True)
class Made:
    """`mai new`."""

    command: Literal["new"] = "new"
    status: Literal["planned", "done"]
    project: Mapping[str, Any]
    """`path`, and the answers of the core."""
    instances: Sequence[Instance]
    outcomes: Sequence[FileOutcome]
    notes: Sequence[str]
    next: Sequence[str]
    """What to type next."""


@dataclass(frozen=True, kw_only=True)
class Changed:
    """`mai add`, `remove`, `set` and `update`."""

    command: Verb
    status: ChangeStatus
    """`planned` by a dry run; `conflict` when files wait for you and `mai resolve`."""
    project: Mapping[str, Any]
    """`path`, and the answers of the core."""
    instances: Sequence[Instance]
    outcomes: Sequence[FileOutcome]
    notes: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Undone:
    """`mai undo`."""

    command: Literal["undo"] = "undo"
    status: Literal["planned", "done"]
    undone: str
    """The command that is taken back, as it was typed."""
    outcomes: Sequence[FileOutcome]
    notes: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """`mai resolve`."""

    command: Literal["resolve"] = "resolve"
    status: Literal["unchanged", "done"]
    """`unchanged` when no conflict waited."""
    notes: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Diffs:
    """`mai diff`."""

    command: Literal["diff"] = "diff"
    status: Literal["done"] = "done"
    diffs: Mapping[str, str]
    """The unified diff of each file that you edited, by its path."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """`mai status`."""

    command: Literal["status"] = "status"
    status: Literal["done"] = "done"
    project: Mapping[str, Any]
    """`path`, and the answers of the core."""
    mai_version: str
    """The version that the project is at."""
    installed_version: str
    instances: Sequence[Instance]
    plugins: Sequence[Check]
    """The instances whose plugin is not there, or there in another version; `name` is the key of
    one, such as `tool.sundial`."""
    files: int
    """How many files mai made."""
    edited: Sequence[str]
    missing: Sequence[str]
    conflicts: Sequence[str]
    """The files that wait for `mai resolve`."""
    manifest_edited: bool
    """Whether the manifest asks for something that is not in the project yet."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """`mai why`."""

    command: Literal["why"] = "why"
    status: Literal["done"] = "done"
    path: str
    meaning: str
    owner: str | None = None
    """`core` or the instance, such as `agent.support`; null for a file of your own, and then all
    that follows is null or empty, too."""
    policy: str | None = None
    edited: bool | None = None
    missing: bool | None = None
    component: str | None = None
    provider: str | None = None
    """The distribution and the version that it comes from."""
    contributions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What each instance adds to a file that all share."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """`mai check`, `mai doctor` and `mai plugin doctor`."""

    command: Literal["check", "doctor", "plugin doctor"]
    status: Literal["done", "failed"]
    """`failed` when one check is not ok."""
    checks: Sequence[Check]

    @classmethod
    def of(
        cls, command: Literal["check", "doctor", "plugin doctor"], found: Sequence[Check]
    ) -> "Checked":
        """What a command found."""
        is_sound = all(one.ok for one in found)
        return cls(command=command, status="done" if is_sound else "failed", checks=found)


@dataclass(frozen=True)
class Offered:
    """One component that can be added."""

    id: str
    kind: str
    name: str
    title: str
    summary: str
    multi: bool
    """Whether a project may hold several, each with a name."""
    provider: str
    version: str


def offered(catalog: Catalog, kind: str | None = None) -> list[Offered]:
    """What can be added; with `kind` of that kind only."""
    return [
        Offered(
            component.id,
            component.kind,
            component.name,
            component.title,
            component.summary,
            component.multi,
            provider=catalog.providers[component.id].distribution,
            version=catalog.providers[component.id].version,
        )
        for component in catalog.components.values()
        if kind in (None, component.kind)
    ]


@dataclass(frozen=True, kw_only=True)
class Listed:
    """`mai list`."""

    command: Literal["list"] = "list"
    status: Literal["done"] = "done"
    components: Sequence[Offered]


@dataclass(frozen=True, kw_only=True)
class PluginMade:
    """`mai plugin new`."""

    command: Literal["plugin new"] = "plugin new"
    status: Literal["planned", "done"]
    path: str
    distribution: str
    """What it is installed by."""
    component: str
    """The id of its component."""
    outcomes: Sequence[FileOutcome]
    notes: Sequence[str]
    next: Sequence[str]
    """What to type next."""


@dataclass(frozen=True)
class Plugin:
    """One installed distribution that is a plugin."""

    distribution: str
    version: str
    source: str
    """`index`, or the path or URL that it was installed from."""
    components: Sequence[str]
    state: Literal["ok", "skipped"]
    problems: Sequence[str]
    """Why it, or a part of it, is skipped."""


@dataclass(frozen=True, kw_only=True)
class Plugins:
    """`mai plugin list`."""

    command: Literal["plugin list"] = "plugin list"
    status: Literal["done"] = "done"
    plugins: Sequence[Plugin]


@dataclass(frozen=True, kw_only=True)
class PluginChanged:
    """`mai plugin install` and `mai plugin uninstall`."""

    command: Literal["plugin install", "plugin uninstall"]
    status: Literal["planned", "done", "failed"]
    """`failed` when it is installed and cannot be used."""
    distribution: str
    version: str
    """Empty where it is worked out by a build."""
    components: Sequence[str]
    """What it brings, or takes along."""
    requires: Sequence[str]
    """What is installed with it."""
    run: Sequence[str]
    """The commands that do it."""
    notes: Sequence[str]


@dataclass(frozen=True)
class Problem:
    """What was refused."""

    code: str
    """Stable, such as `unknown_name`."""
    message: str
    hint: str
    """What to do next; may be empty."""


@dataclass(frozen=True, kw_only=True)
class Failed:
    """Any command that is refused, or is given a name or value that cannot be meant. Options and
    arguments that do not exist are told on stderr alone."""

    status: Literal["error"] = "error"
    error: Problem


Document = (
    Made
    | Changed
    | Undone
    | Resolved
    | Diffs
    | Status
    | Origin
    | Checked
    | Listed
    | Plugins
    | PluginChanged
    | PluginMade
    | Failed
)
