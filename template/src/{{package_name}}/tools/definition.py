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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Generic
from uuid import UUID

from pydantic import BaseModel
from pydantic_ai import FunctionToolset, Tool
from typing_extensions import TypeVar

from ..auth.caller import Caller
from ..core.errors import StartupError

if TYPE_CHECKING:
    from ..core.services import Services

ToolFunction = TypeVar("ToolFunction", bound=Callable[..., Any])
ContextT = TypeVar("ContextT", bound=BaseModel, covariant=True, default=BaseModel)


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


registry: dict[str, RegisteredTool] = {}
"""Every tool by the name that the model calls it by."""


def tool(
    *,
    category: str = "general",
    version: str = "1.0.0",
    enabled: bool = True,
    timeout_s: float | None = None,
) -> Callable[[ToolFunction], ToolFunction]:
    """Register an async function as a tool and leave it as it is.

    A tool that is not `enabled` is never given to an agent. When a call takes longer than
    `timeout_s`, the model is told so and may try again.
    Raises `StartupError` for a function that is not async, has no docstring, or has the name of
    another tool.
    """

    def register(function: ToolFunction) -> ToolFunction:
        if not iscoroutinefunction(function):
            raise StartupError(f"tool {_place(function)} is not async: write `async def`")
        if not function.__doc__:
            raise StartupError(f"tool {_place(function)} has no docstring, which the model reads")
        metadata = {"category": category, "version": version}
        built: Tool[AgentDeps] = Tool(function, metadata=metadata, timeout=timeout_s)
        one = RegisteredTool(tool=built, category=category, version=version, enabled=enabled)
        places = [_place(registry.setdefault(built.name, one).tool.function), _place(function)]
        if places[0] != places[1]:
            both = " and ".join(places)
            raise StartupError(f"two tools are called {built.name!r}, {both}: rename one of them")
        return function

    return register


def toolset(*names: str) -> FunctionToolset[AgentDeps]:
    """The tools of these names, or all of this folder; `StartupError` for an unknown name."""
    package = import_module(__package__)
    for found in pkgutil.iter_modules(package.__path__):
        import_module(f"{__package__}.{found.name}")
    for name in names:
        if name not in registry:
            near = get_close_matches(name, registry, 1) or sorted(registry)
            raise StartupError(f"there is no tool {name!r}: is it one of {near}?")
    chosen = [registry[name] for name in names or sorted(registry)]
    return FunctionToolset([one.tool for one in chosen if one.enabled], id="tools")


def _place(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"
