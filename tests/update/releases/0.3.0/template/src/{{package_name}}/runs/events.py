"""What a client of a run is told, as it happens.

First `meta`, then `delta`, `reasoning`, `tool_start`, `tool_end` and `progress` as they come, and
at the end exactly one of `done`, `paused` and `error`. A stream that ends without one of these
three was cut, whatever the connection says.

Every event has an id `<part>.<offset>`: the number of the part of the run that it belongs to (a
text, a tool's start, …) and how many characters of that part have been sent with it; a part that
is no text has one. So an id says how far a client has come, however the text was cut.
"""

import re
from datetime import datetime
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from ..core.errors import AppError, InvalidRequest

RESULT_LIMIT = 4_000

_ID = re.compile(r"(\d{1,9})\.(\d{1,12})", re.ASCII)


class Position(NamedTuple):
    """How far a stream has come: `offset` characters of part number `part`."""

    part: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> "Position":
        """The position that an event's id names; raises `InvalidRequest` for anything else."""
        if not (match := _ID.fullmatch(text)):
            raise InvalidRequest(f"{text!r} is no id of an event: expected such as 3.41")
        return cls(int(match[1]), int(match[2]))


START = Position(-1, 0)


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)

    event: ClassVar[str]


class Meta(_Event):
    """The run has begun."""

    event: ClassVar[str] = "meta"
    run_id: UUID
    session_id: UUID
    agent: str
    model: str
    demo: bool = Field(description="Whether the offline demo model answers.")
    user_message_id: UUID
    started_at: datetime


class Delta(_Event):
    """More text of the answer."""

    event: ClassVar[str] = "delta"
    text: str


class Reasoning(_Event):
    """More text of the model's thinking."""

    event: ClassVar[str] = "reasoning"
    text: str


class ToolStart(_Event):
    """A tool is called."""

    event: ClassVar[str] = "tool_start"
    tool_call_id: str
    tool_name: str
    arguments: Any


class ToolEnd(_Event):
    """A tool has ended; `result` holds at most `RESULT_LIMIT` characters, the rows hold all."""

    event: ClassVar[str] = "tool_end"
    tool_call_id: str
    tool_name: str
    outcome: Literal["success", "failed", "denied", "interrupted", "retried"]
    result: str


class Progress(_Event):
    """What a tool or agent reports while it works; it is not stored."""

    event: ClassVar[str] = "progress"
    name: str
    tool_call_id: str | None
    tool_name: str | None
    data: dict[str, Any]


class Done(_Event):
    """The answer is complete, or was interrupted for `reason`."""

    event: ClassVar[str] = "done"
    run_id: UUID
    status: Literal["completed", "interrupted"]
    reason: str | None
    assistant_message_id: UUID | None
    output: Any = Field(description="The result of an agent that does not answer in plain text.")
    total_tokens: int


class Paused(_Event):
    """The run waits for a decision about tool calls."""

    event: ClassVar[str] = "paused"
    run_id: UUID
    requests: Any


class Failed(_Event):
    """The run failed; the other fields are those of a problem document."""

    event: ClassVar[str] = "error"
    run_id: UUID
    assistant_message_id: UUID | None
    code: str
    title: str
    detail: str
    retryable: bool


def failed(
    run_id: UUID, assistant_message_id: UUID | None, kind: type[AppError], detail: str
) -> Failed:
    """The closing event of a run that failed of an error of this kind."""
    return Failed(
        run_id=run_id,
        assistant_message_id=assistant_message_id,
        code=kind.code,
        title=kind.title,
        detail=detail,
        retryable=kind.retryable,
    )


TextEvent: TypeAlias = Delta | Reasoning
ClosingEvent: TypeAlias = Done | Paused | Failed
Event: TypeAlias = Meta | TextEvent | ToolStart | ToolEnd | Progress | ClosingEvent


def stream_schema() -> dict[str, Any]:
    """Each event of a stream, for OpenAPI: https://spec.openapis.org/oas/v3.2.0#media-type-object"""
    return {"oneOf": [_schema(kind) for kind in get_args(Event)]}


def _schema(kind: type[_Event]) -> dict[str, Any]:
    data = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": kind.model_json_schema(mode="serialization"),
    }
    names = {"id": {"type": "string"}, "event": {"const": kind.event}, "data": data}
    return {"type": "object", "required": list(names), "properties": names}


def frame(event: Event, at: Position) -> bytes:
    """The event as https://html.spec.whatwg.org/multipage/server-sent-events.html says."""
    data = event.model_dump_json()
    return f"id: {at.part}.{at.offset}\nevent: {event.event}\ndata: {data}\n\n".encode()
