"""What travels with a run: agents and tools find it in `ctx.deps`, the model never sees it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic
from uuid import UUID

from pydantic import BaseModel
from typing_extensions import TypeVar

from ..auth.caller import Caller

if TYPE_CHECKING:
    from ..core.services import Services

ContextT = TypeVar("ContextT", bound=BaseModel, covariant=True, default=BaseModel)


@dataclass(frozen=True, kw_only=True)
class AgentDeps(Generic[ContextT]):
    """Who asks, in which conversation, and what the service offers.

    `AgentDeps[OrderContext]` says which context model an agent works with; a tool that takes
    plain `AgentDeps` serves any agent. `request` is the validated request, in which an agent
    with a request model of its own finds its own fields.
    """

    caller: Caller
    session_id: UUID
    run_id: UUID
    context: ContextT
    request: BaseModel
    services: "Services"
