"""Settings of the runs."""

from pydantic import AliasChoices, Field
from pydantic_settings import SettingsConfigDict

from ..core.settings import RoomSettings


class RunsSettings(RoomSettings):
    """How many runs there may be, and how long each may take; in seconds."""

    model_config = SettingsConfigDict(env_prefix="RUNS__")

    max_concurrent_tasks: int = Field(
        10,
        ge=1,
        validation_alias=AliasChoices("MAX_CONCURRENT_TASKS", "RUNS__MAX_CONCURRENT_TASKS"),
        description="Runs that one process plays at once; one more is refused for the moment.",
    )
    time_limit_s: float = Field(600, gt=0, description="A run that takes longer is stopped.")
    heartbeat_s: float = Field(
        15, gt=0, description="A silent event stream sends a comment this often."
    )
    lease_s: float = Field(
        15, gt=0, description="A run whose process is silent for so long counts as interrupted."
    )
    grace_s: float = Field(
        10, ge=0, description="How long runs may go on when the service is told to end."
    )
