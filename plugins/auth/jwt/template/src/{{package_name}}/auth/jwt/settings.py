"""Settings of passwords and tokens."""

from datetime import timedelta
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from ... import NAME
from ...core.errors import StartupError
from ...core.settings import OWN_MACHINE, Environment, RoomSettings, both_spellings

SECRET_BYTES = 32
"""As long as the digest of HS256, https://www.rfc-editor.org/rfc/rfc7518#section-3.2"""

MIN_COST = 10
"""https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#bcrypt"""

Registration = Literal["open", "invitation", "closed"]


class JwtSettings(RoomSettings):
    """Who may register, what passwords have to be, and how long a login holds."""

    model_config = SettingsConfigDict(env_prefix="JWT__")

    secret: SecretStr | None = Field(
        None,
        validation_alias=both_spellings("jwt_secret"),
        description="Signs access tokens: 32 bytes or more. Of several with commas between, the "
        "first one signs.",
    )
    registration: Registration = Field(
        "closed",
        description="Who may register: anybody (open), whoever has an invitation, or nobody "
        "(closed).",
    )
    issuer: str = Field(NAME, description="What tokens name as their issuer.")
    audience: str = Field(NAME, description="What tokens name as whom they are for.")
    access_lifetime_s: int = Field(900, ge=1, description="How long an access token holds.")
    refresh_lifetime_days: int = Field(
        30, ge=1, description="A login that is not refreshed for so many days is over."
    )
    leeway_s: int = Field(
        10, ge=0, description="How far apart the clocks of several machines may be."
    )
    password_min_length: int = Field(
        15, ge=8, le=64, description="A new password has at least so many characters."
    )
    bcrypt_cost: int = Field(
        12,
        ge=4,
        le=20,
        description="One more makes each attempt at a password take twice as long, for the "
        "service too.",
    )
    attempts_per_address: int = Field(
        100,
        ge=1,
        description="So many logins and registrations one address may try in a quarter of an hour.",
    )

    @field_validator("secret")
    @classmethod
    def _check_length(cls, value: SecretStr | None) -> SecretStr | None:
        if any(len(one.encode()) < SECRET_BYTES for one in _split(value)):
            raise ValueError(
                f"each secret has {SECRET_BYTES} bytes or more: without one, `{NAME} init` makes it"
            )
        return value

    @property
    def secrets(self) -> list[str]:
        """The secrets that hold; the first one signs."""
        return _split(self.secret)

    @property
    def login_lifetime(self) -> timedelta:
        """How long a login holds without being refreshed."""
        return timedelta(days=self.refresh_lifetime_days)

    def check(self, environment: Environment) -> None:
        """Raise `StartupError` for what is good enough for development only."""
        if environment in OWN_MACHINE:
            return
        if not self.secrets:
            raise StartupError(
                f"JWT_SECRET is not set: `{NAME} init` writes one to .env; every process needs "
                f"the same"
            )
        if self.bcrypt_cost < MIN_COST:
            raise StartupError(f"JWT__BCRYPT_COST is {self.bcrypt_cost}: expected {MIN_COST} to 20")


def _split(value: SecretStr | None) -> list[str]:
    return [one.strip() for one in value.get_secret_value().split(",")] if value else []
