"""The offline model: it needs no key and no network, streams word by word and calls tools.

It exists so that a new project answers at once. It does not think: it calls the tools it can,
repeats what it was told and says what it is. Every answer of it is labelled, and it is used only
where its id, `demo`, is configured.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.tools import ToolDefinition

DEMO = "demo"

_URL = re.compile(r"https?://[^\s<>\"')]*[^\s<>\"').,;:!?]")
_NOTICE = (
    "This is the offline demo model, so nobody has thought about this answer. "
    "Set DEFAULT_MODEL in .env (and the key of its provider) to talk to a real one."
)


def demo_model(word_pause_s: float = 0.02) -> FunctionModel:
    """Return the demo model, which waits `word_pause_s` seconds after each word that it streams."""

    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        calls = _calls(messages, info)
        return ModelResponse(parts=[*calls] or [TextPart(_text(messages))])

    async def stream(
        messages: list[ModelMessage], info: AgentInfo
    ) -> AsyncIterator[str | DeltaToolCalls]:
        if calls := _calls(messages, info):
            for index, call in enumerate(calls):
                yield {
                    index: DeltaToolCall(
                        call.tool_name, call.args_as_json_str(), tool_call_id=call.tool_call_id
                    )
                }
            return
        for word in re.findall(r"\S+\s*", _text(messages)):
            yield word
            await asyncio.sleep(word_pause_s)

    return FunctionModel(answer, stream_function=stream, model_name=DEMO)


def _calls(messages: list[ModelMessage], info: AgentInfo) -> list[ToolCallPart]:
    """Return the calls that come next: one of a tool, then one of the output tool if there is."""
    if not _tool_results(messages) and (tool := _choose_tool(messages, info.function_tools)):
        return [ToolCallPart(tool.name, _arguments(tool, _prompt(messages)))]
    if not info.allow_text_output and info.output_tools:
        output = info.output_tools[0]
        return [ToolCallPart(output.name, TestModel().gen_tool_args(output))]
    return []


def _choose_tool(
    messages: list[ModelMessage], tools: list[ToolDefinition]
) -> ToolDefinition | None:
    """Return the tool that the prompt names; on the first turn, else one without arguments."""
    prompt = _prompt(messages)
    words = set(re.findall(r"\w+", prompt.lower()))
    for tool in tools:
        named = set(tool.name.lower().split("_")) <= words or tool.name.lower() in words
        if named or (_URL.search(prompt) and "url" in _required(tool)):
            return tool
    first_turn = not any(isinstance(message, ModelResponse) for message in messages)
    return next((tool for tool in tools if first_turn and not _required(tool)), None)


def _required(tool: ToolDefinition) -> list[str]:
    required: list[str] = tool.parameters_json_schema.get("required", [])
    return required


def _arguments(tool: ToolDefinition, prompt: str) -> dict[str, Any]:
    """Return arguments that fit the tool's schema: the URL in the prompt, else samples."""
    if not _required(tool):
        return {}
    arguments: dict[str, Any] = TestModel().gen_tool_args(tool)
    if "url" in arguments and (url := _URL.search(prompt)):
        arguments["url"] = url.group()
    return arguments


def _text(messages: list[ModelMessage]) -> str:
    results = [
        f"The tool {part.tool_name} answered {_shorten(part.model_response_str())!r}."
        for part in _tool_results(messages)
    ]
    return " ".join([f"You said: {_shorten(_prompt(messages))!r}.", *results, _NOTICE])


def _shorten(text: str, limit: int = 300) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _prompt(messages: list[ModelMessage]) -> str:
    """Return the text that the user wrote last."""
    for message in reversed(messages):
        for part in reversed(message.parts):
            if part.part_kind == "user-prompt":
                return (
                    part.content if isinstance(part.content, str) else "(something that isn't text)"
                )
    return ""


def _tool_results(messages: list[ModelMessage]) -> list[ToolReturnPart]:
    """Return the tools' results since the user wrote last, oldest first."""
    return list(reversed(list(_results_since_prompt(messages))))


def _results_since_prompt(messages: list[ModelMessage]) -> Iterator[ToolReturnPart]:
    for message in reversed(messages):
        if not isinstance(message, ModelRequest):
            continue
        for part in reversed(message.parts):
            if part.part_kind == "user-prompt":
                return
            if isinstance(part, ToolReturnPart):
                yield part
