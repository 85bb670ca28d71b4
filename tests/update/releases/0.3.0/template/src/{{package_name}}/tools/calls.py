"""One call of a tool without an agent: checked, guarded and logged like a model's."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from pydantic_ai import ModelRetry, RunContext, ToolCallPart, ToolFailed, ToolReturn
from pydantic_ai.exceptions import ApprovalRequired, CallDeferred
from pydantic_ai.tool_manager import ToolManager
from pydantic_ai.usage import RunUsage

from ..auth.caller import Caller
from ..core.errors import AppError, Conflict, InvalidRequest, TooManyRequests
from ..core.orm import uuid7
from ..core.services import Services
from ..llm.demo import demo_model
from ..sessions import store as sessions
from .decorators import RateLimited
from .definition import AgentDeps, NoContext, find_tool, toolset
from .guard import ToolTimeout
from .switches import ToolSwitches

CALL_TIMEOUT_S = 60.0
"""Nobody waits longer for a tool over HTTP; a tool's own limit may be shorter."""


class ToolDisabled(Conflict):
    """The tool was switched off."""

    code, title = "tool_disabled", "The tool is disabled"


class ApprovalNeeded(Conflict):
    """A person has to approve the call first."""

    code, title = "approval_required", "The call needs an approval"


class ToolCallFailed(AppError):
    """The tool did its work and could not succeed."""

    code, status, title = "tool_failed", 502, "The tool failed"


class ToolTimedOut(AppError):
    """The tool gave no result in time."""

    code, status, title, retryable = "tool_timeout", 504, "The tool took too long", True


async def call_tool(
    services: Services,
    caller: Caller,
    name: str,
    arguments: Mapping[str, Any],
    session_id: UUID | None = None,
) -> Any:
    """What a tool answers to these arguments, as a model would get it.

    The tool finds the caller in `ctx.deps`, its session if one is named, and else ids that no row
    has. Raises `NotFound`, `Forbidden`, `ToolDisabled`, `InvalidRequest`, `TooManyRequests`,
    `ApprovalNeeded`, `ToolCallFailed` or `ToolTimedOut`.
    """
    found = find_tool(name)
    caller.require(found.scopes, f"tool {name!r}")
    if not found.is_enabled(await services.get(ToolSwitches).read()):
        raise ToolDisabled(f"tool {name!r} is disabled: enable it first, or do without")
    # A context must have a model, which nobody asks here.
    deps = await _deps(services, caller, session_id)
    ctx = RunContext(deps=deps, model=demo_model(), usage=RunUsage(), run_step=1)
    manager = await ToolManager[AgentDeps](toolset(name)).for_run_step(ctx)
    with _told_to_callers(name):
        async with asyncio.timeout(CALL_TIMEOUT_S):
            call = ToolCallPart(name, dict(arguments))
            result = await manager.handle_call(call, wrap_validation_errors=False)
    return result.return_value if isinstance(result, ToolReturn) else result


async def _deps(services: Services, caller: Caller, session_id: UUID | None) -> AgentDeps:
    deps: AgentDeps = AgentDeps(
        caller=caller,
        session_id=session_id or uuid7(),
        run_id=uuid7(),
        context=NoContext(),
        request=NoContext(),
        services=services,
    )
    if session_id is None:
        return deps
    async with services.database.session() as db:
        session = await sessions.get_session(db, caller, session_id)
    return replace(deps, preferences=session.preferences, variables=session.variables)


@contextmanager
def _told_to_callers(name: str) -> Iterator[None]:
    """Turn what is meant for a model into errors of this service."""
    try:
        yield
    except ValidationError as error:
        raise InvalidRequest.of(error.errors(), "body", "arguments") from error
    except RateLimited as error:
        raise TooManyRequests(error.message, error.retry_after_s) from error
    except (ToolTimeout, TimeoutError) as error:
        raise ToolTimedOut(f"tool {name!r} gave no result in time") from error
    except ModelRetry as error:
        raise InvalidRequest(error.message) from error
    except ToolFailed as error:
        raise ToolCallFailed(error.message) from error
    except (ApprovalRequired, CallDeferred) as error:
        raise ApprovalNeeded(
            f"a person has to approve each call of tool {name!r}, which cannot be asked for "
            f"here: let an agent call it"
        ) from error
