"""The border of the tools: what one of them did not foresee ends the call, not the run."""

from dataclasses import dataclass
from typing import Any

import structlog
from pydantic_ai import RunContext, ToolFailed
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.exceptions import RunCancelled, UsageLimitExceeded
from pydantic_ai.messages import ToolCallPart
from pydantic_ai.tools import ToolDefinition

from ..core.errors import AppError, StartupError

log = structlog.get_logger(__name__)

_ENDS_THE_RUN = (
    RunCancelled,  # of an agent that the tool has asked
    UsageLimitExceeded,
    StartupError,  # no model can mend how the service is set up
)


@dataclass
class ToolErrors(AbstractCapability[Any]):
    """Lets the model hear that a tool failed; what is no `AppError` is for the log alone."""

    async def on_tool_execute_error(
        self,
        ctx: RunContext[Any],
        *,
        call: ToolCallPart,
        tool_def: ToolDefinition,
        args: dict[str, Any],
        error: Exception,
    ) -> Any:
        """Raise what the model is told, or what ends the run."""
        if isinstance(error, _ENDS_THE_RUN):
            raise error
        if isinstance(error, AppError):
            raise ToolFailed(error.message) from error
        log.error("tool_failed", tool_name=call.tool_name, exc_info=error)
        raise ToolFailed("The tool failed for a reason that it did not foresee.") from error
