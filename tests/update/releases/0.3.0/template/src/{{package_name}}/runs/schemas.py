"""Runs as the API shows them."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, create_model

from ..sessions.models import RunStatus

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

    model_config = ConfigDict(from_attributes=True)

    run_id: UUID
    session_id: UUID
    agent: str = Field(validation_alias=AliasChoices("agent_name", "agent"))
    model: str
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


class Answer(RunView):
    """A run that has ended, with what it said last."""

    content: str = Field(description="The text of the answer; a part of it when interrupted.")


def response_model(name: str, output_type: Any) -> type[StandardResponse[Answer]]:
    """The envelope of an agent's answers, with models called `name…` if its output has a type."""
    if output_type is None:
        return StandardResponse[Answer]
    about = "What the agent found; null when the run ended before that."
    output: Any = (output_type | None, Field(description=about))
    answer = create_model(f"{name}Answer", __base__=Answer, __doc__=Answer.__doc__, output=output)
    return create_model(f"{name}Response", __base__=StandardResponse[Answer], data=(answer, ...))


class StopRequest(BaseModel):
    """Which answer shall stop."""

    model_config = ConfigDict(extra="forbid")

    session_id: UUID = Field(examples=["019a3f1e-7c60-7000-8000-2b7d5c1f9e44"])


class StopView(BaseModel):
    """What a request to stop has met."""

    session_id: UUID
    run_id: UUID | None = Field(description="The run that is stopping; null if none was live.")
