"""From the exact messages of a run to the rows that people read, and back.

A response of the model is one `assistant` row, followed by one `tool` row for each call in it,
which is filled in when the result arrives. Rows only ever grow at the end, so a run can be
stored again and again while it goes on.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    RetryFeedbackPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_core import from_json

from .models import Role

OUTCOME_UNKNOWN = "the run ended while the tool was at work: whether it had an effect is unknown"

_message = TypeAdapter[ModelMessage](ModelMessage)


@dataclass(kw_only=True)
class Line:
    """What one message row says. `completed_at` is None while it is being said or done."""

    role: Role
    content: str = ""
    tool_call_id: str | None = None
    tool_name: str | None = None
    tool_arguments: Any = None
    data: str | None = None
    interrupted: bool = False
    error: str | None = None
    created_at: datetime | None = None
    completed_at: datetime | None = None


def encode(message: ModelMessage) -> str:
    """Return the message as JSON, from which `decode` makes the very same message."""
    return _message.dump_json(message).decode()


def decode(data: str) -> ModelMessage:
    """Return the message that `encode` was given."""
    return _message.validate_json(data)


def to_lines(messages: Iterable[ModelMessage]) -> list[Line]:
    """Return the rows that tell `messages`, in order."""
    lines: list[Line] = []
    open_calls: dict[str, list[Line]] = defaultdict(list)
    for message in messages:
        if isinstance(message, ModelResponse):
            _add_response(message, lines, open_calls)
        else:
            _add_request(message, lines, open_calls)
    return lines


def _add_response(
    response: ModelResponse, lines: list[Line], open_calls: dict[str, list[Line]]
) -> None:
    complete = response.state == "complete"
    said = Line(
        role="assistant",
        content=plain(
            "".join(part.content for part in response.parts if isinstance(part, TextPart))
        ),
        data=encode(response),
        interrupted=not complete,
        created_at=response.timestamp,
        completed_at=response.timestamp if complete else None,
    )
    lines.append(said)
    for part in response.parts:
        if isinstance(part, ToolCallPart):
            lines.append(_call(part, response))
            open_calls[part.tool_call_id].append(lines[-1])


def _call(part: ToolCallPart, response: ModelResponse) -> Line:
    return Line(
        role="tool",
        tool_call_id=plain(part.tool_call_id)[:255],
        tool_name=plain(part.tool_name)[:255],
        tool_arguments=arguments_of(part),
        created_at=response.timestamp,
    )


def arguments_of(call: ToolCallPart) -> Any:
    """Return the arguments of a call as an object; as text when they are no JSON."""
    if not isinstance(call.args, str):
        return call.args or {}
    try:
        return from_json(call.args) if call.args else {}
    except ValueError:
        return call.args


def _add_request(
    request: ModelRequest, lines: list[Line], open_calls: dict[str, list[Line]]
) -> None:
    told: list[Line] = []
    for part in request.parts:
        if isinstance(part, ToolReturnPart) and open_calls[part.tool_call_id]:
            line = open_calls[part.tool_call_id].pop(0)
            _finish(line, part)
            told.append(line)
        elif isinstance(part, UserPromptPart):
            told.append(
                Line(role="user", content=plain(prompt_text(part)), created_at=part.timestamp)
            )
        elif isinstance(part, RetryFeedbackPart):
            told.append(
                Line(role="system", content=plain(part.model_response()), created_at=part.timestamp)
            )
    if not told:  # kept for the model, of no interest to people
        told.append(Line(role="system", created_at=request.timestamp))
    for line in told:
        line.completed_at = line.completed_at or (None if line.interrupted else line.created_at)
    known = {id(line) for line in lines}
    lines.extend(line for line in told if id(line) not in known)
    first = next(line for line in lines if any(line is one for one in told))
    first.data = encode(request)


def _finish(line: Line, part: ToolReturnPart) -> None:
    line.content = plain(part.model_response_str())
    if part.outcome == "interrupted":
        line.interrupted, line.error = True, OUTCOME_UNKNOWN
        return
    line.completed_at = part.timestamp
    if part.outcome != "success":
        line.error = part.outcome


def prompt_text(part: UserPromptPart) -> str:
    """Return the text of what the user sent; anything else in it is only named."""
    if isinstance(part.content, str):
        return part.content
    pieces = (item if isinstance(item, str) else f"[{item.kind}]" for item in part.content)
    return "\n".join(pieces)


def plain(text: str) -> str:
    """Return `text` as PostgreSQL can store it: NUL and lone surrogates are replaced."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def from_data(rows: Sequence[str | None]) -> list[ModelMessage]:
    """Return the exact messages that rows hold, in the order of the rows."""
    return [decode(data) for data in rows if data is not None]
