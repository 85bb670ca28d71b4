"""What makes a function a tool: a decorator, in a module of this folder.

    @tool(category="time")
    async def clock(timezone: str = "UTC") -> str:
        '''Say what time it is in a time zone.'''

The model reads the function's name, its docstring and the schema of its parameters. A function
whose first parameter is `ctx: RunContext[AgentDeps]` gets the run's context there. Agents take
tools as a toolset: `Agent(toolsets=[toolset()])`, or `toolset("clock")` for some of them.
`AgentDeps` is what travels with a run: agents and tools find it in `ctx.deps`, the model never
sees it.
"""

import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Generic
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic_ai import FunctionToolset, Tool
from typing_extensions import TypeVar

from ..auth.caller import Caller
from ..core.errors import NotFound, StartupError
from .guard import GuardedToolset

if TYPE_CHECKING:
    from ..core.services import Services

ToolFunction = TypeVar("ToolFunction", bound=Callable[..., Any])
ContextT = TypeVar("ContextT", bound=BaseModel, covariant=True, default=BaseModel)


class NoContext(BaseModel):
    """The context of an agent that needs none, and of a call that no agent makes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, kw_only=True)
class AgentDeps(Generic[ContextT]):
    """Who asks, in which conversation, and what the service offers.

    `AgentDeps[OrderContext]` says which context model an agent works with; a tool that takes
    plain `AgentDeps` serves any agent. `request` is the validated request, in which an agent
    with a request model of its own finds its own fields. `preferences` and `variables` are those
    of the session as the run begins. `depth` is how many agents have asked one another before.
    """

    caller: Caller
    session_id: UUID
    run_id: UUID
    context: ContextT
    request: BaseModel
    services: "Services"
    preferences: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    depth: int = 0


@dataclass(frozen=True, kw_only=True)
class RegisteredTool:
    """A tool and what is known about it besides what the model reads."""

    tool: Tool[AgentDeps]
    category: str
    version: str
    enabled: bool
    scopes: frozenset[str]

    def is_enabled(self, states: Mapping[str, bool]) -> bool:
        """Whether it may be used: as was decided at run time, else as it is coded."""
        return states.get(self.tool.name, self.enabled)


registry: dict[str, RegisteredTool] = {}
"""Every tool by the name that the model calls it by."""


def tool(
    *,
    category: str = "general",
    version: str = "1.0.0",
    enabled: bool = True,
    scopes: Iterable[str] = (),
) -> Callable[[ToolFunction], ToolFunction]:
    """Register an async function as a tool and leave it as it is.

    A tool that is not `enabled`, or for which the caller lacks one of the `scopes`, is never
    given to an agent. What a call may cost is said by the decorators of `decorators.py`, below
    this one.
    Raises `StartupError` for a function that is not async, has no docstring, or has the name of
    another tool.
    """

    def register_function(function: ToolFunction) -> ToolFunction:
        if not iscoroutinefunction(function):
            raise StartupError(f"tool {place(function)} is not async: write `async def`")
        if not function.__doc__:
            raise StartupError(f"tool {place(function)} has no docstring, which the model reads")
        built: Tool[AgentDeps] = Tool(function)
        register(built, category=category, version=version, enabled=enabled, scopes=scopes)
        return function

    return register_function


def register(
    built: Tool[AgentDeps],
    *,
    category: str = "general",
    version: str = "1.0.0",
    enabled: bool = True,
    scopes: Iterable[str] = (),
) -> None:
    """Register a tool that was made in another way than by `@tool`, from a schema for example.

    Raises `StartupError` when another tool has its name.
    """
    built.metadata = {"category": category, "version": version}
    one = RegisteredTool(
        tool=built,
        category=category,
        version=version,
        enabled=enabled,
        scopes=frozenset(scopes),
    )
    places = [place(registry.setdefault(built.name, one).tool.function), place(built.function)]
    if places[0] != places[1]:
        both = " and ".join(places)
        raise StartupError(f"two tools are called {built.name!r}, {both}: rename one of them")


def list_tools(category: str | None = None) -> list[RegisteredTool]:
    """Every tool of this folder by name, or those of a category."""
    package = import_module(__package__)
    for found in pkgutil.iter_modules(package.__path__):
        import_module(f"{__package__}.{found.name}")
    tools = (registry[name] for name in sorted(registry))
    return [one for one in tools if category in {None, one.category}]


def find_tool(name: str) -> RegisteredTool:
    """The tool of this name; raises `NotFound` with the nearest one."""
    names = [one.tool.name for one in list_tools()]
    if name not in names:
        near = get_close_matches(name, names, 1) or names
        raise NotFound(f"there is no tool {name!r}: is it one of {near}?")
    return registry[name]


def toolset(*names: str, category: str | None = None) -> GuardedToolset:
    """The tools of these names, or of a category, or all of this folder.

    Each run is given those of them that are enabled then and that its caller may use. Raises
    `StartupError` for an unknown name.
    """
    try:
        chosen = [find_tool(name) for name in names] or list_tools(category)
    except NotFound as error:
        raise StartupError(error.message) from error
    tools = FunctionToolset([one.tool for one in chosen], id="tools")
    return GuardedToolset(tools, registered={one.tool.name: one for one in chosen})


def place(function: Callable[..., Any]) -> str:
    """Where a function stands, for people."""
    return f"{function.__module__}.{function.__qualname__}"
