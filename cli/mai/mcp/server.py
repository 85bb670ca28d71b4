"""The tools of `mai mcp`. Each is the river of a command: what it does, the command does likewise.

A change is planned by one tool and applied by another, which takes the plan's id: between the two
stands whoever reads the plan.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, Literal, ParamSpec, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from .. import __version__
from ..console.diffs import diff as diff_of
from ..console.documents import Changed, Checked, Diffs, Listed, Undone, offered
from ..console.report import STATE
from ..errors import MaiError, NotAProject
from ..plan.wishes import parse_options
from ..plugins import loader
from ..plugins.component import Kind
from ..project.reader import find_root
from ..river.checks import everything
from ..river.choices import Choices
from ..river.edits import edits_of
from ..river.flow import at_work
from ..river.opening import open_project
from ..river.undoing import take_back, undoing_of
from ..river.wishes import adding, removing, setting, updating
from .plans import Plans, Request

P = ParamSpec("P")
T = TypeVar("T")
D = TypeVar("D", Changed, Undone)

_INSTRUCTIONS = """\
mai made this project and changes it without losing a hand edit. Components come and go by these
tools, not by files that you write: a tool plan_… tells what would happen to each file, with its
diff, and gives the plan's id; show it, then apply it. What is in a file is yours to edit as ever.
"""

Name = Annotated[str, Field(description="What it is called in the project, such as order-desk.")]
Options = Annotated[
    Sequence[str],
    Field(description="KEY=VALUE each, such as database=postgresql or agent.support.model=demo."),
]
OnConflict = Annotated[
    Literal["ours", "theirs"] | None,
    Field(
        description="Where the user and mai changed the same: the user's side, or mai's. "
        "By default both stand in the file, and `mai resolve` has to be run afterwards."
    ),
]
Install = Annotated[
    bool, Field(description="Lock and install when dependencies change; needs the network.")
]
_PLANS = Plans()


@dataclass(frozen=True)
class Planned:
    """What would happen; nothing was written."""

    plan: str
    """The id that `apply` takes."""
    change: Changed


def list_components(kind: Kind | None = None) -> Listed:
    """List what can be added to the project, and which plugin it comes from."""
    return Listed(components=offered(loader.load_catalog(), kind))


def plan_add(
    kind: Kind,
    name: Name,
    component: Annotated[
        str | None, Field(description="By default that of this name, or the kind's basic one.")
    ] = None,
    answers: Annotated[
        dict[str, Any] | None, Field(description="To its questions; the rest take defaults.")
    ] = None,
    on_conflict: OnConflict = None,
) -> Planned:
    """Plan to add an agent, a tool, a memory, an auth mode or a feature."""
    stated = {**(answers or {}), **({"from": component} if component else {})}
    choices = _choices(on_conflict)
    return _planned(Request("add", (kind, name), adding(kind, name, stated), choices))


def plan_remove(
    kind: Kind,
    name: Name,
    edited_files: Annotated[
        Literal["ours", "theirs"] | None,
        Field(
            description="When the user wrote in its files: ours keeps them as the user's own code, "
            "theirs removes them. By default it is refused then."
        ),
    ] = None,
) -> Planned:
    """Plan to remove a component, with everything that it brought."""
    choices = _choices(edited_files)
    return _planned(Request("remove", (kind, name), removing(kind, name, choices), choices))


def plan_set(options: Options, on_conflict: OnConflict = None) -> Planned:
    """Plan to change answers of the project or of its components; with no options, to bring in
    what was written into .mai/manifest.toml."""
    wished = setting(parse_options(options))
    return _planned(Request("set", tuple(options), wished, _choices(on_conflict)))


def plan_update(options: Options = (), on_conflict: OnConflict = None) -> Planned:
    """Plan to bring the project to the installed versions of mai and its plugins."""
    wished = updating(parse_options(options))
    return _planned(Request("update", (), wished, _choices(on_conflict)))


def apply(
    plan: Annotated[str, Field(description="The id that a tool plan_… gave.")],
    install: Install = True,
) -> Changed:
    """Do what a plan said. It is refused when the project has changed since: then plan again."""
    return _told(_PLANS.apply(_root(), plan, install=install))


def diff(
    paths: Annotated[
        Sequence[str], Field(description="Only these files or folders of the project.")
    ] = (),
) -> Diffs:
    """Show what the user edited in the files that mai made."""
    opened = open_project(_root(), loader.load_catalog())
    edits = edits_of(opened, [opened.root / path for path in paths])
    return Diffs(diffs={outcome.path: diff_of(outcome) for outcome in edits})


def undo(
    dry_run: Annotated[bool, Field(description="Only tell what would happen.")] = False,
    on_conflict: OnConflict = None,
    install: Install = True,
) -> Undone:
    """Take back the last change that mai made; what was edited since stays."""
    root, choices = _root(), replace(_choices(on_conflict), no_install=not install)
    with at_work(root, resolving=True):
        undoing = undoing_of(root, choices)
        if dry_run:
            return _told(undoing.told("planned"))
        undoing.refuse_conflicts()
        return _told(take_back(undoing, choices))


def diagnose() -> Checked:
    """Find what is wrong with the project, its plugins or this machine, each with its mend."""
    try:
        root = _root()
    except NotAProject:
        root = None
    return Checked.of("doctor", everything(root, loader.load_catalog()))


def _planned(request: Request) -> Planned:
    plan_id, change = _PLANS.add(_root(), request)
    return Planned(plan_id, _told(change))


def _root() -> Path:
    return find_root(Path.cwd())


def _choices(favor: Literal["ours", "theirs"] | None) -> Choices:
    return Choices(as_json=True, ours=favor == "ours", theirs=favor == "theirs")


def _told(document: D) -> D:
    """`document` without mai's own files, which are noise to whoever reads a plan."""
    shown = [one for one in document.outcomes if not one.path.startswith(STATE)]
    return replace(document, outcomes=shown)


def make_server() -> MCPServer[Any]:
    """A server for the project of the current folder."""
    server: MCPServer[Any] = MCPServer(
        "mai", instructions=_INSTRUCTIONS, version=__version__, log_level="WARNING"
    )
    for tool in _TOOLS:
        is_reading = tool not in (apply, undo)
        server.add_tool(_refusing(tool), annotations=ToolAnnotations(read_only_hint=is_reading))
    return server


_TOOLS: tuple[Callable[..., Any], ...] = (
    list_components, plan_add, plan_remove, plan_set, plan_update, apply, diff, undo, diagnose,
)  # fmt: skip
_ONE_AT_A_TIME = Lock()


def _refusing(tool: Callable[P, T]) -> Callable[P, T]:
    """`tool` that tells the assistant why it refuses, and beside which no other runs."""

    @wraps(tool)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            with _ONE_AT_A_TIME:
                return tool(*args, **kwargs)
        except MaiError as problem:
            hint = f"\nhint: {problem.hint}" if problem.hint else ""
            raise ToolError(f"{problem.message}{hint}") from problem

    return told
