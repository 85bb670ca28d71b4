"""Logins, registrations and invitations as the API takes and shows them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from ...core.pages import CleanText
from ..schemas import Email, UserName
from .passwords import MAX_LENGTH


def _check_unicode(value: SecretStr) -> SecretStr:
    try:
        value.get_secret_value().encode()
    except UnicodeEncodeError:
        raise ValueError("half a surrogate pair is no character") from None
    return value


Secret = Annotated[SecretStr, AfterValidator(_check_unicode)]
GivenPassword = Annotated[
    Secret, Field(max_length=MAX_LENGTH, examples=["correct horse battery staple"])
]
NewPassword = Annotated[
    GivenPassword, Field(description="Any characters, JWT__PASSWORD_MIN_LENGTH or more of them.")
]
Token = Annotated[Secret, Field(max_length=100)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LoginRequest(_Body):
    """Who logs in."""

    username: CleanText = Field(
        max_length=254, description="A name or an email address.", examples=["anna"]
    )
    password: GivenPassword


class RefreshRequest(_Body):
    """The login that goes on, or ends."""

    refresh_token: Token = Field(examples=["pZ0…"])


class PasswordChange(_Body):
    """Another password for yourself."""

    current_password: GivenPassword
    new_password: NewPassword


class PasswordOfUser(_Body):
    """Another password for somebody."""

    password: NewPassword


class Registration(_Body):
    """Somebody new."""

    username: UserName = Field(examples=["anna"])
    email: Email | None = None
    password: NewPassword
    invitation: Token | None = Field(
        None, description="Its code, where one registers by invitation."
    )


class InvitationRequest(_Body):
    """How long somebody has to register."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"lifetime_days": 7}]})

    lifetime_days: int = Field(7, ge=1, le=90, description="After them it holds no longer.")


class Tokens(BaseModel):
    """What to call with, and what to go on by, as OAuth 2 names it."""

    access_token: str = Field(description="Send it as `Authorization: Bearer …`.")
    token_type: Literal["bearer"] = Field("bearer", description="The scheme to send it with.")
    expires_in: int = Field(description="How many seconds the access token holds.")
    refresh_token: str = Field(description="Holds once: each refresh gives another one.")


class InvitationView(BaseModel):
    """An invitation that nobody has used yet."""

    model_config = ConfigDict(from_attributes=True)

    invitation_id: UUID
    invited_by: str | None = Field(description="Null for the command line.")
    expires_at: datetime


class NewInvitation(InvitationView):
    """An invitation that was just made."""

    code: str = Field(description="For whom you invite; it is shown this once.")
