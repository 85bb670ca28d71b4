"""What a client of a run is told, as it happens.

    meta         the run has begun: its ids, agent and model
    delta        more text of the answer
    reasoning    more text of the model's thinking, where a model shows it
    tool_start   a tool is called
    tool_end     it has answered, failed, or was cut off
    progress     what a tool or agent reports while it works (not stored)

and at the end exactly one of

    done         status `completed`, or `interrupted` with the reason
    paused       the run waits for a decision about tool calls
    error        the run failed; what was said so far is kept

A stream that ends without one of these three was cut, whatever the connection says.

Every event has an id `<part>.<offset>`: the how-many-eth part of the run it belongs to (a text, a
tool's start, …) and how many characters of that part have been sent with it; parts that are no
text have one. A client that comes back with the last id it saw misses nothing.
"""

import re
from datetime import datetime
from typing import Any, ClassVar, Literal, NamedTuple, Self, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from .errors import error_of

RESULT_LIMIT = 4_000

Outcome: TypeAlias = Literal["success", "failed", "denied", "interrupted", "retried"]


_ID = re.compile(r"[0-9]{1,18}\.[0-9]{1,18}")


class Cursor(NamedTuple):
    """How far a reader has come: `offset` characters of part number `part`."""

    part: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the cursor that an event id says; raises `ValueError` when it is none."""
        if not _ID.fullmatch(text):
            raise ValueError(f"{text!r} is no event id: expected PART.OFFSET, like 3.120")
        part, offset = text.split(".")
        return cls(int(part), int(offset))

    def __str__(self) -> str:
        return f"{self.part}.{self.offset}"


START = Cursor(-1, 0)


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
    """A tool has answered, failed, or was cut off; a long result is shortened here, not in rows."""

    event: ClassVar[str] = "tool_end"
    tool_call_id: str
    tool_name: str
    outcome: Outcome
    result: str
    truncated: bool


class Progress(_Event):
    """What a tool or agent reports while it works."""

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
    """The run failed."""

    event: ClassVar[str] = "error"
    run_id: UUID
    code: str
    title: str
    detail: str
    retryable: bool
    assistant_message_id: UUID | None


TextEvent: TypeAlias = Delta | Reasoning
ClosingEvent: TypeAlias = Done | Paused | Failed
Event: TypeAlias = Meta | TextEvent | ToolStart | ToolEnd | Progress | ClosingEvent


def tool_end(tool_call_id: str, tool_name: str, outcome: Outcome, result: str) -> ToolEnd:
    """Return the event of a tool's end, with at most `RESULT_LIMIT` characters of its result."""
    return ToolEnd(
        tool_call_id=tool_call_id,
        tool_name=tool_name,
        outcome=outcome,
        result=result[:RESULT_LIMIT],
        truncated=len(result) > RESULT_LIMIT,
    )


def failed(run_id: UUID, code: str, detail: str, assistant_message_id: UUID | None) -> Failed:
    """Return the event of a run that failed with the error that has this code."""
    kind = error_of(code)
    return Failed(
        run_id=run_id,
        code=code,
        title=kind.title,
        detail=detail,
        retryable=kind.retryable,
        assistant_message_id=assistant_message_id,
    )


def frame(event: Event, at: Cursor) -> bytes:
    """Return the event as it is sent.

    The format is https://html.spec.whatwg.org/multipage/server-sent-events.html.
    """
    data = event.model_dump_json()
    return f"id: {at.part}.{at.offset}\nevent: {event.event}\ndata: {data}\n\n".encode()
