"""Settings of the runs."""

from decimal import Decimal

from pydantic import AliasChoices, Field
from pydantic_ai import UsageLimits
from pydantic_settings import SettingsConfigDict

from ..core.settings import RoomSettings


class RunsSettings(RoomSettings):
    """How many runs there may be, how long each may take, in seconds, and what it may use up."""

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
    send_timeout_s: float = Field(
        60, gt=0, description="A client that takes nothing of a stream for so long is cut off."
    )
    grace_s: float = Field(
        10, ge=0, description="How long runs may go on when the service is told to end."
    )
    request_limit: int = Field(
        50, ge=1, description="Requests to models in one run; an agent may say otherwise."
    )
    tool_calls_limit: int | None = Field(None, ge=1, description="Tool calls of one run.")
    total_tokens_limit: int | None = Field(
        None, ge=1, description="Tokens of one run, those it sends and those it gets."
    )
    cost_limit_usd: Decimal | None = Field(
        None, gt=0, description="Cost of one run in US dollars, where the price is known."
    )

    def usage_limits(self) -> UsageLimits:
        """What a run may use up whose agent says nothing else."""
        return UsageLimits(
            request_limit=self.request_limit,
            tool_calls_limit=self.tool_calls_limit,
            total_tokens_limit=self.total_tokens_limit,
            cost_limit=self.cost_limit_usd,
        )
