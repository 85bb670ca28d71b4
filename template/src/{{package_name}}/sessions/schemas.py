"""Conversations as the API shows them."""

from datetime import datetime
from math import isfinite
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field

from ..core.pages import CleanText
from .models import Role

MAX_DEPTH = 32


def _check_storable(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return a JSON value that can be stored and shown; `ValueError` for one that cannot."""
    if depth == 0:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        value.encode()  # a lone surrogate is no text
    elif isinstance(value, float) and not isfinite(value):
        raise ValueError("a number is not finite")
    elif isinstance(value, dict | list):
        for one in [*value, *value.values()] if isinstance(value, dict) else value:
            _check_storable(one, depth - 1)
    return value


JsonObject = Annotated[dict[str, Any], AfterValidator(_check_storable)]
"""Any JSON object that comes back as it went in: of finite numbers, and not too deep."""


class SessionCreate(BaseModel):
    """What may be said about a session when it begins; all of it may be left out."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"title": "Dinner for two", "preferences": {"language": "French"}}]
        },
    )

    title: CleanText | None = Field(None, min_length=1, max_length=200)
    preferences: JsonObject = Field(
        default_factory=dict, description="Of the user's, for this conversation."
    )
    variables: JsonObject = Field(
        default_factory=dict, description="Facts for this conversation, by name."
    )


class SessionPatch(BaseModel):
    """What changes in a session: null takes something away, what is left out stays as it is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"title": "Dinner", "variables": {"guests": 2, "table": None}}]
        },
    )

    title: CleanText | None = Field(None, min_length=1, max_length=200)
    summary: CleanText | None = Field(None, min_length=1, max_length=10_000)
    preferences: JsonObject | None = None
    variables: JsonObject | None = None


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
