"""An agent that plays its prompt, put into a rendered project to try turns with.

The prompt is JSON: one list for each answer of the model, of `["say", text]`, `["think", text]`,
`["pause", seconds]`, `["call", [tool, …]]` and `["fail", "model" | "bug"]`.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests import trees

Script = list[list[list[Any]]]

SOURCE = '''"""An agent that plays its prompt."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from pydantic_ai import Agent, CustomEvent, ModelRetry, RunContext
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelMessage, ModelResponse, UserPromptPart
from pydantic_ai.models.function import (
    AgentInfo,
    DeltaThinkingCalls,
    DeltaThinkingPart,
    DeltaToolCall,
    DeltaToolCalls,
    FunctionModel,
)

from ..definition import AgentDefinition, AgentDeps


@dataclass(kw_only=True)
class HalfDone(CustomEvent):
    """What a tool reports while it works."""

    percent: int


async def play(
    messages: list[ModelMessage], _info: AgentInfo
) -> AsyncIterator[str | DeltaToolCalls | DeltaThinkingCalls]:
    calls = 0
    for what, how in _answer(messages):
        match what:
            case "say":
                yield how
            case "think":
                yield {0: DeltaThinkingPart(content=how)}
            case "pause":
                await asyncio.sleep(how)
            case "call":
                for name in how:
                    calls += 1
                    yield {calls: DeltaToolCall(name, "{}")}
            case "fail" if how == "model":
                raise ModelHTTPError(500, "actor")
            case "fail":
                raise ZeroDivisionError("a bug")


def _answer(messages: list[ModelMessage]) -> list:
    answered = 0
    for message in reversed(messages):
        # A prompt that nobody answered and the next are parts of one message.
        for part in reversed(message.parts):
            if isinstance(part, UserPromptPart) and str(part.content).startswith("["):
                answers = json.loads(str(part.content))
                return answers[answered] if answered < len(answers) else [["say", "end"]]
        answered += isinstance(message, ModelResponse)
    raise AssertionError("no prompt")


agent = Agent(FunctionModel(stream_function=play, model_name="actor"), deps_type=AgentDeps)


@agent.tool
async def quick(ctx: RunContext[AgentDeps]) -> str:
    """Answer at once."""
    await ctx.emit(HalfDone(percent=50))
    return "done"


@agent.tool_plain
async def slow() -> str:
    """Take a moment."""
    await asyncio.sleep(0.02)
    return "done slowly"


@agent.tool_plain
async def endless() -> str:
    """Take very long."""
    await asyncio.sleep(600)
    return "too late"


@agent.tool
async def picky(ctx: RunContext[AgentDeps]) -> str:
    """Want to be called twice."""
    if ctx.retry == 0:
        raise ModelRetry("call it again")
    return "well"


@agent.tool_plain
async def broken() -> str:
    """Fail in a way that nobody foresaw."""
    raise ZeroDivisionError("a bug")


definition = AgentDefinition(agent=agent, summary="Plays its prompt.")
'''


def write_project(folder: Path, name: str, added: Iterable[str] = ()) -> Path:
    """A project of the minimal preset with the agent `actor`; its package is `name`."""
    trees.write(trees.manifest(name, "minimal", added), folder)
    actor = folder / "src" / name / "agents" / "actor"
    actor.mkdir()
    (actor / "__init__.py").write_text(SOURCE, encoding="utf-8")
    return folder


def prompt(script: Script) -> str:
    return json.dumps(script)


def said(script: Script) -> str:
    """All that the model says when nothing interrupts it."""
    return "".join(how for answer in script for what, how in answer if what == "say")
