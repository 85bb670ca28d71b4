"""From the exact messages of a run to the rows that people read, and back.

A response of the model is one `assistant` row, followed by one `tool` row for each call in it,
which is filled in when the result arrives. Rows only ever grow at the end, so a run can be
stored again and again while it goes on.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

from pydantic import TypeAdapter
from pydantic_ai import messages as ai
from pydantic_core import from_json, to_json

from ..core.orm import utc_now
from .models import AgentMessage, Role

OUTCOME_UNKNOWN = "the run ended while the tool was at work: whether it had an effect is unknown"

_NOT_STORED = "not stored]"

_message = TypeAdapter[ai.ModelMessage](ai.ModelMessage)


@dataclass(kw_only=True)
class Line:
    """What one message row says. `completed_at` is None while it is being said or done."""

    role: Role
    content: str
    tool_call_id: str | None = None
    tool_name: str | None = None
    tool_arguments: Any = None
    data: str | None = None
    interrupted: bool = False
    error: str | None = None
    created_at: datetime
    completed_at: datetime | None = None


def encode(message: ai.ModelMessage) -> str:
    """Return the message as JSON: exact, but with a note in place of each medium."""
    data = _message.dump_json(message).decode()
    return to_json(without_media(from_json(data))).decode() if '"kind":"binary"' in data else data


def without_media(value: Any) -> Any:
    """Return a JSON value in which the bytes of each medium are a note of what they were."""
    match value:
        case {"kind": "binary", "data": str(data), "media_type": media_type}:
            return f"[{media_type}, {len(data) * 3 // 4 - data.count('=')} bytes, {_NOT_STORED}"
        case {"part_kind": "file", "content": content}:
            return {"part_kind": "text", "content": without_media(content)}
        case dict():
            return {key: without_media(one) for key, one in value.items()}
        case list():
            return [without_media(one) for one in value]
    return value


def decode(data: str) -> ai.ModelMessage:
    """Return the message that `encode` was given."""
    return _message.validate_json(data)


def count_tokens(text: str) -> int:
    """Return about how many tokens the text has: exact numbers are the model's own secret."""
    return len(text) // 4


def newest_that_fit(runs: list[list[AgentMessage]], limit: int) -> list[list[AgentMessage]]:
    """Return the newest of these runs, in order, that together have at most `limit` tokens."""
    sizes = (
        sum(count_tokens(f"{row.content}{row.tool_arguments or ''}") for row in run)
        for run in reversed(runs)
    )
    count = sum(total <= limit for total in accumulate(sizes))
    return runs[len(runs) - count :]


def to_lines(messages: Iterable[ai.ModelMessage]) -> list[Line]:
    """Return the rows that tell `messages`, in order."""
    teller = _Teller()
    for message in messages:
        data = encode(message)
        told = decode(data) if _NOT_STORED in data else message
        if isinstance(told, ai.ModelResponse):
            teller.tell_response(told, data)
        else:
            teller.tell_request(told, data)
    return teller.lines


class _Teller:
    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._open_calls: dict[str, list[int]] = defaultdict(list)

    def tell_response(self, response: ai.ModelResponse, data: str) -> None:
        complete = response.state == "complete"
        text = "".join(part.content for part in response.parts if isinstance(part, ai.TextPart))
        self._add("assistant", text, response.timestamp, complete)
        self.lines[-1].data = data
        for call in response.parts:
            if isinstance(call, ai.ToolCallPart):
                self._open_calls[call.tool_call_id].append(len(self.lines))
                self._add("tool", "", response.timestamp, complete=False)
                self.lines[-1].tool_call_id = plain(call.tool_call_id)[:255]
                self.lines[-1].tool_name = plain(call.tool_name)[:255]
                self.lines[-1].tool_arguments = arguments_of(call)

    def tell_request(self, request: ai.ModelRequest, data: str) -> None:
        first = len(self.lines)
        for part in request.parts:
            if isinstance(part, ai.ToolReturnPart) and self._open_calls[part.tool_call_id]:
                at = self._open_calls[part.tool_call_id].pop(0)
                _finish(self.lines[at], part)
                first = min(first, at)
            elif isinstance(part, ai.UserPromptPart):
                self._add("user", _prompt_text(part), part.timestamp)
        if first == len(self.lines):  # for the model only, such as feedback about its output
            self._add("system", "", request.timestamp or utc_now())
        self.lines[first].data = data

    def _add(self, role: Role, content: str, at: datetime, complete: bool = True) -> None:
        line = Line(role=role, content=plain(content), created_at=at, interrupted=not complete)
        line.completed_at = at if complete else None
        self.lines.append(line)


def _finish(line: Line, result: ai.ToolReturnPart) -> None:
    line.content = plain(result.model_response_str())
    if result.outcome == "interrupted":
        line.error = OUTCOME_UNKNOWN
        return
    line.completed_at, line.interrupted = result.timestamp, False
    line.error = None if result.outcome == "success" else result.outcome


def arguments_of(call: ai.ToolCallPart) -> Any:
    """Return the arguments of a call as an object; as text when they are no JSON."""
    if not isinstance(call.args, str):
        return call.args or {}
    try:
        return from_json(call.args or "{}")
    except ValueError:
        return call.args


def _prompt_text(part: ai.UserPromptPart) -> str:
    if isinstance(part.content, str):
        return part.content
    return "\n".join(item if isinstance(item, str) else f"[{item.kind}]" for item in part.content)


def plain(text: str) -> str:
    """Return `text` as PostgreSQL can store it: NUL and lone surrogates are replaced."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
