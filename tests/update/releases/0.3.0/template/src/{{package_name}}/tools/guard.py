"""What stands between an agent and the tools: gives what the caller may use, and sees each call."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from pydantic_ai import ModelRetry, RunContext, ToolFailed
from pydantic_ai.exceptions import ApprovalRequired, CallDeferred
from pydantic_ai.toolsets import ToolsetTool, WrapperToolset

from .switches import ToolSwitches

if TYPE_CHECKING:
    from .definition import AgentDeps, RegisteredTool

log = structlog.get_logger(__name__)

_OUTCOMES: dict[type[BaseException], str] = {
    TimeoutError: "timeout",
    ModelRetry: "retried",
    ToolFailed: "failed",
    ApprovalRequired: "deferred",
    CallDeferred: "deferred",
    asyncio.CancelledError: "interrupted",
}


@dataclass(frozen=True, kw_only=True)
class RunningCall:
    """The call that is going on: which tool, and what travels with the run."""

    tool: "RegisteredTool"
    deps: "AgentDeps"


running_call: ContextVar[RunningCall] = ContextVar("running_call")


class ToolTimeout(ModelRetry):
    """A tool took too long; the model may ask it for less."""


@dataclass
class GuardedToolset(WrapperToolset["AgentDeps"]):
    """The tools of `registered` that are switched on and that the caller has the scopes for."""

    registered: Mapping[str, "RegisteredTool"]

    async def get_tools(self, ctx: "RunContext[AgentDeps]") -> "dict[str, ToolsetTool[AgentDeps]]":
        states = await ctx.deps.services.get(ToolSwitches).read()
        tools = await super().get_tools(ctx)
        return {
            name: one
            for name, one in tools.items()
            if self.registered[name].is_enabled(states)
            and ctx.deps.caller.may(self.registered[name].scopes)
        }

    async def call_tool(
        self,
        name: str,
        tool_args: dict[str, Any],
        ctx: "RunContext[AgentDeps]",
        tool: "ToolsetTool[AgentDeps]",
    ) -> Any:
        call = RunningCall(tool=self.registered[name], deps=ctx.deps)
        token = running_call.set(call)
        try:
            with _logged(call):
                return await super().call_tool(name, tool_args, ctx, tool)
        except TimeoutError as error:
            raise ToolTimeout(f"{name} took too long. Ask for less, or do without.") from error
        finally:
            running_call.reset(token)


@contextmanager
def _logged(call: RunningCall) -> Iterator[None]:
    """Log how the call ended and how long it took, without what it was given or gave."""
    started, outcome = time.perf_counter(), "success"
    try:
        yield
    except BaseException as error:
        kinds = (word for kind, word in _OUTCOMES.items() if isinstance(error, kind))
        outcome = next(kinds, "error")
        raise
    finally:
        duration_s = round(time.perf_counter() - started, 4)
        about = {"tool": call.tool.tool.name, "version": call.tool.version}
        log.info("tool_called", **about, outcome=outcome, duration_s=duration_s)
