"""Conversations as the API shows them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, Self, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from .models import AgentMessage, AgentSession, Role

T = TypeVar("T")


def _refuse_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain NUL characters")
    return text


CleanText = Annotated[str, AfterValidator(_refuse_nul)]
"""Text that every database stores as it is."""

Limit = Annotated[int, Field(ge=1, le=200, description="How many at most.")]


class SessionCreate(BaseModel):
    """What may be said about a session when it begins; all of it may be left out."""

    model_config = ConfigDict(extra="forbid")

    title: CleanText | None = Field(None, min_length=1, max_length=200)
    preferences: dict[str, Any] = Field(
        default_factory=dict, description="Of the user's, for this conversation."
    )
    variables: dict[str, Any] = Field(
        default_factory=dict, description="Facts for this conversation, by name."
    )


class SessionView(BaseModel):
    """A conversation."""

    session_id: UUID
    agent: str
    title: str | None
    summary: str | None
    preferences: dict[str, Any]
    variables: dict[str, Any]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, session: AgentSession) -> Self:
        """Return what the API shows of a row."""
        return cls(
            session_id=session.session_id,
            agent=session.agent_name,
            title=session.session_title,
            summary=session.session_summary,
            preferences=session.preferences,
            variables=session.variables,
            created_at=session.created_at,
            updated_at=session.updated_at,
        )


class MessageView(BaseModel):
    """One thing said, or one tool called with what came of it."""

    message_id: UUID
    run_id: UUID
    position: int = Field(description="Its place in the session; pass it as `after` to go on.")
    role: Role
    content: str
    tool_call_id: str | None
    tool_name: str | None
    tool_arguments: Any
    interrupted: bool = Field(description="Whether it was cut off.")
    error: str | None
    created_at: datetime
    completed_at: datetime | None = Field(description="Null while it is being said or done.")

    @classmethod
    def of(cls, message: AgentMessage) -> Self:
        """Return what the API shows of a row."""
        return cls.model_validate(message, from_attributes=True)


class Page(BaseModel, Generic[T]):
    """Some of many things; there are more as long as `next` is not null."""

    items: list[T]
    next: str | None = Field(description="The cursor of the next page.")

    @classmethod
    def of(cls, found: Sequence[T], limit: int, cursor: Callable[[T], object]) -> Self:
        """Return the first `limit` of what was found, which is one more if there are more."""
        items = list(found[:limit])
        return cls(items=items, next=str(cursor(items[-1])) if len(found) > limit else None)
