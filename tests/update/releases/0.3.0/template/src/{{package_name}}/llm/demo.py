"""The offline model: it needs no key and no network, streams word by word and calls tools.

It exists so that a new project answers at once. It does not think: it calls the tools it can,
repeats what it was told and says what it is. Every answer of it is labelled, and it is used only
where its id, `demo`, is configured.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any, cast

from pydantic_ai import messages as ai
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.tools import ToolDefinition

_URL = re.compile(r"https?://[^\s<>\"')]*[^\s<>\"').,;:!?]")
_NOTICE = (
    "This is the offline demo model, so nobody has thought about this answer. "
    "Set DEFAULT_MODEL in .env (and the key of its provider) to talk to a real one."
)


def demo_model(word_pause_s: float = 0.01) -> FunctionModel:
    """Return the demo model, which waits `word_pause_s` seconds after each word that it streams."""

    async def stream(
        messages: list[ai.ModelMessage], info: AgentInfo
    ) -> AsyncIterator[str | DeltaToolCalls]:
        answer = _answer(messages, info)
        if isinstance(answer, ai.ToolCallPart):
            yield {0: DeltaToolCall(answer.tool_name, answer.args_as_json_str())}
            return
        for word in re.findall(r"\S+\s*", answer.content):
            yield word
            await asyncio.sleep(word_pause_s)

    return FunctionModel(
        lambda messages, info: ai.ModelResponse(parts=[_answer(messages, info)]),
        stream_function=stream,
        model_name="demo",
    )


def _answer(messages: list[ai.ModelMessage], info: AgentInfo) -> ai.TextPart | ai.ToolCallPart:
    """Return what comes next: one call of a tool, then the text, or the output tool's call."""
    prompt, results = _turn(messages)
    first_turn = not any(isinstance(message, ai.ModelResponse) for message in messages)
    if not results and (tool := _choose_tool(prompt, info.function_tools, first_turn)):
        return ai.ToolCallPart(tool.name, _arguments(tool, prompt))
    if not info.allow_text_output and info.output_tools:
        return ai.ToolCallPart(info.output_tools[0].name, _samples(info.output_tools[0]))
    told = [f"{one.tool_name} answered {_quote(one.model_response_str())}." for one in results]
    return ai.TextPart(" ".join([f"You said {_quote(prompt)}.", *told, _NOTICE]))


def _turn(messages: list[ai.ModelMessage]) -> tuple[str, list[ai.ToolReturnPart]]:
    """Return what the user wrote last, and the results of tools since then."""
    results: list[ai.ToolReturnPart] = []
    for part in (part for message in reversed(messages) for part in reversed(message.parts)):
        if isinstance(part, ai.UserPromptPart):
            return part.content if isinstance(part.content, str) else "", results[::-1]
        if isinstance(part, ai.ToolReturnPart):
            results.append(part)
    return "", results[::-1]


def _choose_tool(
    prompt: str, tools: list[ToolDefinition], first_turn: bool
) -> ToolDefinition | None:
    """Return the tool that the prompt asks for; on the first turn, else one without arguments."""
    words = set(re.findall(r"[a-z0-9]+", prompt.lower()))
    for tool in tools:
        if words.issuperset(tool.name.lower().split("_")):
            return tool
        if "url" in _required(tool) and _URL.search(prompt):
            return tool
    return next((tool for tool in tools if first_turn and not _required(tool)), None)


def _arguments(tool: ToolDefinition, prompt: str) -> dict[str, Any]:
    arguments = _samples(tool) if _required(tool) else {}
    if "url" in arguments and (url := _URL.search(prompt)):
        arguments["url"] = url.group()
    return arguments


def _samples(tool: ToolDefinition) -> dict[str, Any]:
    """Return some arguments that fit the tool's schema."""
    return cast(dict[str, Any], TestModel().gen_tool_args(tool))


def _required(tool: ToolDefinition) -> list[str]:
    return cast(list[str], tool.parameters_json_schema.get("required", []))


def _quote(text: str, limit: int = 300) -> str:
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")
