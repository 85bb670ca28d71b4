"""Settings of the agents."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from ..core.settings import RoomSettings


class AgentsSettings(RoomSettings):
    """Which agent is meant when nobody names one."""

    model_config = SettingsConfigDict(env_prefix="AGENTS__")

    default: str = Field(
        "", description="The agent that `chat` talks to; by default the first by name."
    )
