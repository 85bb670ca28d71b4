"""Settings of Sentry. Its environment is the service's own, ENVIRONMENT."""

import re

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from ..core.settings import RoomSettings

_DSN = re.compile(r"https?://\w+(:\w+)?@[^/]+(/[^/]+)*/\d+")


class SentrySettings(RoomSettings):
    """Where errors are sent."""

    model_config = SettingsConfigDict(env_prefix="SENTRY_")

    dsn: SecretStr | None = Field(
        None, description="Where errors are sent: https://key@host/project. Empty: nowhere."
    )
    release: str | None = Field(
        None,
        description="What the version of the service is called there; by default its name and "
        "version.",
    )

    @field_validator("dsn")
    @classmethod
    def _check(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not _DSN.fullmatch(value.get_secret_value()):
            raise ValueError("expected a DSN such as https://key@host/project")
        return value
