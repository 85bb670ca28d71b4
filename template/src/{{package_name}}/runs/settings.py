"""Settings of the runs: how long they may take, and how they are kept alive and stored."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from ..core.settings import RoomSettings


class RunsSettings(RoomSettings):
    """Times are in seconds."""

    model_config = SettingsConfigDict(env_prefix="RUNS__")

    time_limit_s: float = Field(600, gt=0, description="A run that takes longer is stopped.")
    store_every_s: float = Field(
        0.25, ge=0, le=10, description="How often a growing answer is stored; tool results at once."
    )
    heartbeat_s: float = Field(
        15, gt=0, description="A silent event stream sends a comment this often."
    )
    send_timeout_s: float = Field(
        60, gt=0, description="A client that takes nothing for so long is cut off."
    )
    lease_s: float = Field(
        15, gt=0, description="A run whose process is silent for so long counts as interrupted."
    )
    renew_every_s: float = Field(
        4, gt=0, description="How often a process renews its leases and looks for stop requests."
    )
    grace_s: float = Field(
        10, ge=0, description="How long runs may go on when the service is told to end."
    )
    keep_log_s: float = Field(
        60, ge=0, description="How long the events of an ended run stay in memory, for reconnects."
    )
