"""Tools: plain functions under a decorator, found because they stand in this folder.

    @tool(category="time")
    async def clock(timezone: str = "UTC") -> str:
        '''Say what time it is in a time zone.'''

The model reads the function's name, its docstring and the schema of its parameters. A function
whose first parameter is `ctx: RunContext[AgentDeps]` gets the run's context there. Agents take
tools as a toolset: `Agent(toolsets=[toolset()])`, or `toolset("clock")` for some of them.
"""

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from inspect import iscoroutinefunction
from types import MappingProxyType
from typing import Any, TypeVar, overload

from pydantic_ai import FunctionToolset, Tool
from pydantic_ai.tools import ToolDefinition

from ..core.errors import StartupError
from .deps import AgentDeps

ToolFunction = TypeVar("ToolFunction", bound=Callable[..., Any])

_OWN_MODULES = frozenset({"deps", "registry", "room", "routes"})


@dataclass(frozen=True, kw_only=True)
class RegisteredTool:
    """A tool and what is known about it besides what the model reads."""

    tool: Tool[AgentDeps]
    category: str
    version: str
    enabled: bool
    module: str

    @property
    def name(self) -> str:
        """The name by which the model calls it."""
        return self.tool.name

    @property
    def definition(self) -> ToolDefinition:
        """What the model reads: name, description and schema of the parameters."""
        return self.tool.tool_def


@dataclass
class ToolRegistry:
    """Every tool by name. `registry` below is the one that the decorator fills."""

    _tools: dict[str, RegisteredTool] = field(default_factory=dict)

    def add(self, tool: RegisteredTool) -> None:
        """Register a tool.

        Raises `StartupError` when another module has a tool of this name.
        """
        other = self._tools.get(tool.name)
        if other is not None and other.module != tool.module:
            raise StartupError(
                f"two tools are called {tool.name!r}, in {other.module} and in {tool.module}: "
                f"rename one of the functions"
            )
        self._tools[tool.name] = tool

    def get(self, name: str) -> RegisteredTool:
        """Return the tool of this name.

        Raises `StartupError` with the nearest name when there is none.
        """
        try:
            return self._tools[name]
        except KeyError:
            near = get_close_matches(name, self._tools, 1)
            known = f"did you mean {near[0]!r}?" if near else f"there are {sorted(self._tools)}"
            raise StartupError(f"there is no tool {name!r}: {known}") from None

    def __iter__(self) -> Iterator[RegisteredTool]:
        return iter(sorted(self._tools.values(), key=lambda tool: tool.name))

    @property
    def by_category(self) -> Mapping[str, tuple[RegisteredTool, ...]]:
        """The tools of each category."""
        categories = sorted({tool.category for tool in self})
        return MappingProxyType(
            {name: tuple(tool for tool in self if tool.category == name) for name in categories}
        )


registry = ToolRegistry()


@overload
def tool(function: ToolFunction, /) -> ToolFunction: ...


@overload
def tool(
    *,
    category: str = "general",
    version: str = "1.0.0",
    enabled: bool = True,
    timeout_s: float | None = None,
) -> Callable[[ToolFunction], ToolFunction]: ...


def tool(
    function: ToolFunction | None = None,
    /,
    *,
    category: str = "general",
    version: str = "1.0.0",
    enabled: bool = True,
    timeout_s: float | None = None,
) -> ToolFunction | Callable[[ToolFunction], ToolFunction]:
    """Register an async function as a tool and return it unchanged.

    A tool that is not `enabled` is listed but never given to an agent. When a call takes longer
    than `timeout_s`, the model is told so and may try again.
    Raises `StartupError` for a function that is not async or has no docstring.
    """

    def register(function: ToolFunction) -> ToolFunction:
        where = f"{function.__module__}.{function.__qualname__}"
        if not iscoroutinefunction(function):
            raise StartupError(f"tool {where} is not async: write `async def`")
        if not function.__doc__:
            raise StartupError(
                f"tool {where} has no docstring: the model reads it, so say what it does"
            )
        metadata = {"category": category, "version": version}
        built: Tool[AgentDeps] = Tool(function, metadata=metadata, timeout=timeout_s)
        registry.add(
            RegisteredTool(
                tool=built,
                category=category,
                version=version,
                enabled=enabled,
                module=function.__module__,
            )
        )
        return function

    return register if function is None else register(function)


def discover() -> ToolRegistry:
    """Import every module of this folder and return the registry that they have filled."""
    package = import_module(__package__)
    for found in pkgutil.iter_modules(package.__path__):
        if found.name not in _OWN_MODULES and not found.name.startswith("_"):
            import_module(f"{__package__}.{found.name}")
    return registry


def toolset(*names: str) -> FunctionToolset[AgentDeps]:
    """Return the enabled tools of these names, or all that are enabled, for an agent.

    Raises `StartupError` when there is no tool of one of the names.
    """
    tools = discover()
    chosen = [tools.get(name) for name in names] if names else list(tools)
    return FunctionToolset([one.tool for one in chosen if one.enabled], id="tools")
