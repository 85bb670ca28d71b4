"""Agents that ask one another: a tool for each agent that may be asked.

    agent = Agent(deps_type=AgentDeps, tools=[delegate_to("extractor")])

The other agent answers the same caller in the same run: what it uses counts there, the limits and
the time are the same, a stop stops both. It sees the message that it is sent and nothing else of
the conversation; its tools are told as progress, its answer is the tool's result. A tool of your
own asks by `ask_agent`, also a helper that has no folder and is not served.
"""

from collections.abc import AsyncIterable
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError
from pydantic_ai import (
    CustomEvent,
    DeferredToolRequests,
    RunContext,
    Tool,
    ToolDefinition,
    ToolFailed,
)
from pydantic_ai.exceptions import FallbackExceptionGroup, ModelAPIError, UnexpectedModelBehavior
from pydantic_ai.messages import AgentStreamEvent, FunctionToolCallEvent

from ..core.errors import StartupError
from ..llm.errors import explain
from ..llm.models import Models
from .definition import AgentDefinition, AgentDeps, MessageText
from .registry import AgentRegistry

MAX_DEPTH = 3
"""How many agents may ask one another in a row; the last one has no agent to ask."""


@dataclass(kw_only=True)
class Delegated(CustomEvent):
    """The agent that was asked calls a tool."""

    agent: str
    tool: str


def delegate_to(name: str) -> Tool[AgentDeps]:
    """Return the tool `ask_<name>`; the model reads what the agent's summary says of it."""

    async def ask(ctx: RunContext[AgentDeps], message: MessageText) -> Any:
        """Ask another agent.

        Args:
            message: All that it has to know, for it sees nothing else of this conversation.
        """
        return await ask_agent(ctx, name, ctx.deps.services.get(AgentRegistry).find(name), message)

    async def describe(ctx: RunContext[AgentDeps], tool: ToolDefinition) -> ToolDefinition | None:
        other = ctx.deps.services.get(AgentRegistry).find(name)
        if ctx.deps.depth + 1 >= MAX_DEPTH or not ctx.deps.caller.may(other.scopes):
            return None
        return replace(tool, description=f"Ask the agent {name}. {other.summary}")

    return Tool(ask, name=f"ask_{name.replace('-', '_')}", prepare=describe)


async def ask_agent(
    ctx: RunContext[AgentDeps], name: str, other: AgentDefinition, message: str
) -> Any:
    """What another agent answers, one of the registry or a helper that only its asker knows.

    Raises `ToolFailed` when it cannot answer, or not without an approval.
    """

    async def tell(_inner: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
        async for event in events:
            if isinstance(event, FunctionToolCallEvent):
                await ctx.emit(Delegated(agent=name, tool=event.part.tool_name))
            elif isinstance(event, CustomEvent):  # of this call, as far as the client knows
                await ctx.emit(replace(event, tool_call_id=None, tool_name=None))

    models = ctx.deps.services.get(Models)
    model_id = other.model_id(models.settings.default_model)
    try:
        result = await other.agent.run(
            message,
            deps=_deps(ctx.deps, name, other, message),
            model=None if other.brings_model else await models.get(model_id),
            usage=ctx.usage,
            usage_limits=ctx.usage_limits,
            event_stream_handler=tell,
        )
    except (FallbackExceptionGroup, ModelAPIError, UnexpectedModelBehavior) as error:
        if (known := explain(error, model_id)) is None:
            raise
        raise ToolFailed(f"The agent {name} could not answer: {known}") from error
    if isinstance(result.output, DeferredToolRequests):
        raise ToolFailed(f"The agent {name} needs an approval, which only its own user can give.")
    return result.output


def _deps(own: AgentDeps, name: str, other: AgentDefinition, message: str) -> AgentDeps:
    """The same for the other agent, with a request and, if it needs one, a context of its own."""
    try:
        request = other.request_model(message=message)
        fits = isinstance(own.context, other.context_model)
        context = own.context if fits else other.context_model()
    except ValidationError as error:
        missing = ", ".join(str(one["loc"][0]) for one in error.errors())
        raise StartupError(
            f"agent {name!r} cannot be asked by another one: give {missing} a default, or the "
            f"asking agent the same context_model"
        ) from error
    return replace(own, request=request, context=context, depth=own.depth + 1)
