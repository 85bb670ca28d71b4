"""Settings of the keys."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from ...core.settings import RoomSettings


class ApiKeySettings(RoomSettings):
    """What keys look like."""

    model_config = SettingsConfigDict(env_prefix="API_KEY__")

    prefix: str = Field(
        "sk",
        pattern=r"^[A-Za-z][A-Za-z0-9_]{0,31}$",
        description="What keys begin with; those that begin otherwise hold no more.",
    )
