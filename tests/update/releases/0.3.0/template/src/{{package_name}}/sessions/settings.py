"""Settings of conversations: how much of them the model is told, how long deleted ones stay."""

from typing import Self

from pydantic import AliasChoices, Field

from ..core.settings import RoomSettings


class HistorySettings(RoomSettings):
    """How far back a model remembers, which bounds no row, and what becomes of deleted ones."""

    num_history_runs: int = Field(
        5, ge=1, description="The model is told the last so many turns of a conversation."
    )
    max_context_length: int = Field(
        8000, ge=1, description="What the model can read, in tokens, of four characters each."
    )
    context_compression_threshold: float = Field(
        0.8, gt=0, le=1, description="The oldest turns are left out when more of it is filled."
    )
    retention_days: int | None = Field(
        None,
        ge=0,
        validation_alias=AliasChoices("SESSIONS__RETENTION_DAYS"),
        description="Deleted conversations are erased after so many days; by default by hand only.",
    )

    def within(self, context_window: int | None) -> Self:
        """The same for a model that can read so many tokens, if that is known and less."""
        if context_window is None or context_window >= self.max_context_length:
            return self
        return self.model_copy(update={"max_context_length": context_window})
