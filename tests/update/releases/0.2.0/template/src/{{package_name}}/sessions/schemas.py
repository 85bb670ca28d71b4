"""Conversations as the API shows them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Generic, Self, TypeVar
from uuid import UUID

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from .models import Role

T = TypeVar("T")

CleanText = Annotated[str, Field(pattern=r"^[^\x00]*$")]
"""Text that every database stores as it is: without NUL."""


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

    model_config = ConfigDict(from_attributes=True)

    session_id: UUID
    agent: str = Field(validation_alias=AliasChoices("agent_name", "agent"))
    title: str | None = Field(validation_alias=AliasChoices("session_title", "title"))
    summary: str | None = Field(validation_alias=AliasChoices("session_summary", "summary"))
    preferences: dict[str, Any]
    variables: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class MessageView(BaseModel):
    """One thing said, or one tool called with what came of it."""

    model_config = ConfigDict(from_attributes=True)

    message_id: UUID
    run_id: UUID
    position: int = Field(description="Its place in the session.")
    role: Role
    content: str
    tool_call_id: str | None
    tool_name: str | None
    tool_arguments: Any
    interrupted: bool = Field(description="Whether it was cut off.")
    error: str | None
    created_at: datetime
    completed_at: datetime | None = Field(description="Null while it is being said or done.")


class Page(BaseModel, Generic[T]):
    """Some of many things; there are more as long as `next` is not null."""

    items: list[T]
    next: str | None = Field(description="The cursor of the next page.")

    @classmethod
    def of(cls, found: Iterable[T], limit: int, cursor: str) -> Self:
        """The first `limit` of what was found; the last one's field `cursor` asks for the rest."""
        items = list(found)
        more = len(items) > limit
        next_page = str(getattr(items[limit - 1], cursor)) if more else None
        return cls(items=items[:limit], next=next_page)
