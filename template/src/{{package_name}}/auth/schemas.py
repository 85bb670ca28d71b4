"""Callers and users as the API shows and takes them."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from .caller import Caller

UserName = Annotated[
    str, StringConstraints(to_lower=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
]
"""A name of ASCII, so that no two look alike; capitals make no difference."""

Email = Annotated[
    str,
    StringConstraints(
        to_lower=True, max_length=254, pattern=r"^[!#-?A-~]{1,64}@[A-Za-z0-9.-]+\.[A-Za-z0-9-]{2,}$"
    ),
]
"""An email address of ASCII; whether it exists shows when something is sent there."""


def _sort(scopes: list[str]) -> list[str]:
    return sorted(set(scopes))


Scope = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.:-]{0,63}$")]
Scopes = Annotated[list[Scope], Field(max_length=100), AfterValidator(_sort)]


class CallerView(BaseModel):
    """Who you are to this service, and what you may do."""

    id: str
    name: str
    mode: str = Field(description="The way in which you were recognised.")
    scopes: list[str] = Field(description="`*` stands for all.")
    is_superuser: bool

    @classmethod
    def of(cls, caller: Caller) -> Self:
        """The caller, as it is shown to itself."""
        scopes, is_superuser = sorted(caller.scopes), caller.is_superuser
        return cls(
            id=caller.id,
            name=caller.name,
            mode=caller.mode,
            scopes=scopes,
            is_superuser=is_superuser,
        )


class UserCreate(BaseModel):
    """A new user."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"username": "anna", "email": "anna@example.com"}]},
    )

    username: UserName
    email: Email | None = None
    is_superuser: bool = Field(False, description="Whether they may do everything.")
    scopes: Scopes = Field(default_factory=list, description="What they may do besides.")


class UserPatch(BaseModel):
    """What changes about a user; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"scopes": []}]})

    email: Email | None = None
    is_active: bool = Field(True, description="Whether they are let in.")
    is_superuser: bool = Field(False, description="Whether they may do everything.")
    scopes: Scopes = Field(default_factory=list, description="What they may do besides.")


class UserView(BaseModel):
    """A user."""

    model_config = ConfigDict(from_attributes=True)

    user_id: UUID
    username: str
    email: str | None
    is_active: bool
    is_superuser: bool
    scopes: list[str]
    created_at: datetime
    updated_at: datetime


class AuditView(BaseModel):
    """Something that was done to somebody's account or rights."""

    model_config = ConfigDict(from_attributes=True)

    event_id: UUID
    happened_at: datetime
    action: str
    caller_id: str | None = Field(description="Who did it; null for the command line.")
    subject: str = Field(description="Whom it was done to.")
    details: dict[str, Any]
