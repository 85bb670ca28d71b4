"""The agent: what it always knows stands in instructions.md, the rest is said on each run."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field
from pydantic_ai import Agent, RunContext

from ...tools.definition import toolset
from ..definition import AgentDeps


def list_zones(schema: dict[str, Any]) -> None:
    """Say in the schema which zones there are: any other text is refused."""
    schema["enum"] = sorted(available_timezones())


class AssistantContext(BaseModel):
    """What a client may tell about its user, as `context` of a request."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user_name: str | None = Field(
        None, min_length=1, max_length=100, description="What to call the user."
    )
    language: str | None = Field(
        None, min_length=2, max_length=50, description="The language to answer in."
    )
    timezone: ZoneInfo = Field(
        ZoneInfo("UTC"),
        description="Where the user is, such as Europe/Berlin.",
        json_schema_extra=list_zones,
    )


agent = Agent(
    deps_type=AgentDeps[AssistantContext],
    instructions=Path(__file__).with_name("instructions.md").read_text(encoding="utf-8"),
    toolsets=[toolset()],
)


@agent.instructions
def say_what_day_it_is(ctx: RunContext[AgentDeps[AssistantContext]]) -> str:
    """Tell the date where the user is; the time would spoil the provider's cache of the prompt."""
    zone = ctx.deps.context.timezone
    return f"Today is {datetime.now(zone):%A, %Y-%m-%d} where the user is ({zone})."


@agent.instructions
def say_who_is_asking(ctx: RunContext[AgentDeps[AssistantContext]]) -> str:
    """Tell who the user is and which language to answer in."""
    context = ctx.deps.context
    user = f"The user is {context.user_name or ctx.deps.caller.id}."
    if context.language is None:
        return user
    return f"{user} Answer in {context.language}, whatever the language of the question."
