"""Makes an agent of agent.yaml. Whatever is wrong in it is told in one line at start."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

from pydantic import ConfigDict, ValidationError
from pydantic_ai import Agent, AgentSpec, RunContext, TemplateStr

from ...auth.caller import Caller
from ...core.errors import StartupError
from ...tools.definition import toolset
from ..definition import AgentDefinition, AgentDeps


@dataclass
class Facts:
    """What a text in double braces may name."""

    caller: Caller
    context: dict[str, Any]
    preferences: dict[str, Any]
    variables: dict[str, Any]


class AgentFile(AgentSpec):
    """A spec of Pydantic AI, with the names of tools of this project; None for all of them."""

    model_config = ConfigDict(extra="forbid")

    tools: list[str] | None = None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The file that says this."""
        return cls.model_validate(data, context={"deps_type": Facts})


def read_agent(path: Path) -> AgentDefinition:
    """The agent that the file describes; raises `StartupError` that says what to mend in it."""
    try:
        return _build(cast(AgentFile, AgentFile.from_file(path)))
    except Exception as error:  # YAML, fields, texts and capabilities each fail in their own way
        raise StartupError(f"{path}: {_in_one_line(error)}") from error


def _build(file: AgentFile) -> AgentDefinition:
    given = file.instructions
    texts = given if isinstance(given, list) else [given] if given else []
    named = [toolset(*file.tools or ())] if file.tools != [] else []
    agent = Agent.from_spec(
        file.model_copy(update={"instructions": None}),
        deps_type=AgentDeps,
        instructions=[_told(text) if isinstance(text, TemplateStr) else text for text in texts],
        toolsets=named,
        defer_model_check=True,
    )
    return AgentDefinition(agent=agent, summary=str(file.description or ""))


def _told(text: TemplateStr[Any]) -> Callable[[RunContext[AgentDeps]], str]:
    def render(ctx: RunContext[AgentDeps]) -> str:
        deps = ctx.deps
        context = deps.context.model_dump(mode="json")
        return text.render(
            Facts(deps.caller, context, dict(deps.preferences), dict(deps.variables))
        )

    return render


def _in_one_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        fields = ", ".join(AgentFile.model_fields)
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']} (there are {fields})"
    return " ".join(str(error).split())[:500]
