"""Tools: plain functions under a decorator, found because they stand in this folder.

    @tool(category="time")
    async def clock(timezone: str = "UTC") -> str:
        '''Say what time it is in a time zone.'''

The model reads the function's name, its docstring and the schema of its parameters. A function
whose first parameter is `ctx: RunContext[AgentDeps]` gets the run's context there. Agents take
tools as a toolset: `Agent(toolsets=[toolset()])`, or `toolset("clock")` for some of them.
"""

import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from pydantic_ai import FunctionToolset, Tool

from ..core.errors import StartupError
from .deps import AgentDeps

ToolFunction = TypeVar("ToolFunction", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class RegisteredTool:
    """A tool and what is known about it besides what the model reads."""

    tool: Tool[AgentDeps]
    category: str
    version: str
    enabled: bool

    @property
    def name(self) -> str:
        """The name by which the model calls it."""
        return self.tool.name


class ToolRegistry:
    """The tools by name. `registry` below is the one that the decorator fills."""

    def __init__(self) -> None:
        self._tools: dict[str, RegisteredTool] = {}

    def add(self, tool: RegisteredTool) -> None:
        """Register a tool; raises `StartupError` when another function has its name."""
        other = self._tools.setdefault(tool.name, tool)
        places = [_place(one.tool.function) for one in (other, tool)]
        if places[0] != places[1]:
            raise StartupError(
                f"two tools are called {tool.name!r}, {' and '.join(places)}: rename one of them"
            )

    def get(self, name: str) -> RegisteredTool:
        """Return the tool of this name; raises `StartupError` that says which there are."""
        if name not in self._tools:
            near = get_close_matches(name, self._tools, 1) or sorted(self._tools)
            raise StartupError(f"there is no tool {name!r}: is it one of {near}?")
        return self._tools[name]

    def __iter__(self) -> Iterator[RegisteredTool]:
        return iter(sorted(self._tools.values(), key=lambda tool: tool.name))


registry = ToolRegistry()


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
    Raises `StartupError` for a function that is not async or has no docstring.
    """

    def register(function: ToolFunction) -> ToolFunction:
        if not iscoroutinefunction(function):
            raise StartupError(f"tool {_place(function)} is not async: write `async def`")
        if not function.__doc__:
            raise StartupError(f"tool {_place(function)} has no docstring, which the model reads")
        metadata = {"category": category, "version": version}
        built: Tool[AgentDeps] = Tool(function, metadata=metadata, timeout=timeout_s)
        registry.add(
            RegisteredTool(tool=built, category=category, version=version, enabled=enabled)
        )
        return function

    return register


def toolset(*names: str) -> FunctionToolset[AgentDeps]:
    """Return the tools of these names, or all of this folder, for an agent.

    Raises `StartupError` when there is no tool of one of the names.
    """
    package = import_module(__package__)
    for found in pkgutil.iter_modules(package.__path__):
        import_module(f"{__package__}.{found.name}")
    chosen = [registry.get(name) for name in names] if names else registry
    return FunctionToolset([one.tool for one in chosen if one.enabled], id="tools")


def _place(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"
