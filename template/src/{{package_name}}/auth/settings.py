"""Who may call without saying who they are."""

from pydantic import Field

from ..core.settings import RoomSettings


class AuthSettings(RoomSettings):
    """The settings of this room."""

    allow_anonymous: bool = Field(
        False, description="Let callers on other machines in without authentication."
    )
