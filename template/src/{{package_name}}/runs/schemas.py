"""Runs as the API shows them."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from ..llm.models import DEMO
from ..sessions.models import AgentRun, RunStatus

T = TypeVar("T")


class AnswerMetadata(BaseModel):
    """Where an answer comes from."""

    agent: str
    model: str
    demo: bool = Field(description="Whether the offline demo model answered.")


class StandardResponse(BaseModel, Generic[T]):
    """The envelope of every answer that is not streamed."""

    success: bool
    data: T
    metadata: AnswerMetadata


class RunView(BaseModel):
    """One turn: from a user's message to the end of the answer."""

    run_id: UUID
    session_id: UUID
    agent: str
    model: str
    demo: bool
    status: RunStatus
    reason: str | None = Field(description="Why it ended early, or the code of its error.")
    error: str | None
    user_message_id: UUID | None
    assistant_message_id: UUID | None
    output: Any = Field(description="The result of an agent that does not answer in plain text.")
    usage: dict[str, Any]
    total_tokens: int
    cost_usd: Decimal | None
    started_at: datetime
    completed_at: datetime | None

    @classmethod
    def of(cls, run: AgentRun) -> Self:
        """Return what the API shows of a row."""
        return cls.model_validate(
            {name: getattr(run, name, None) for name in cls.model_fields}
            | {"agent": run.agent_name, "demo": run.model == DEMO}
        )


class Answer(RunView):
    """A run that has ended, with what it said last."""

    content: str = Field(description="The text of the answer; a part of it when interrupted.")


class StopRequest(BaseModel):
    """Which answer shall stop."""

    model_config = ConfigDict(extra="forbid")

    session_id: UUID


class StopView(BaseModel):
    """What a request to stop has met."""

    session_id: UUID
    run_id: UUID | None = Field(description="The run that is stopping; null if none was live.")
    stopping: bool
