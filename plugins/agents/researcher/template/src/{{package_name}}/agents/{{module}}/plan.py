"""The plan: a list of steps that the agent keeps, its user sees, and both can come back to."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field
from pydantic_ai import CustomEvent, RunContext
from pydantic_core import to_json

from ...core.errors import NotFound
from ...core.pages import CleanText
from ...sessions import store
from ...sessions.schemas import SessionPatch
from ..definition import AgentDeps

VARIABLE = "plan"
"""What it is called among the variables of the session."""


class Step(BaseModel):
    """One thing to find out."""

    text: CleanText = Field(min_length=1, max_length=300)
    status: Literal["pending", "in_progress", "done"]


# A service may have several researchers, and no two events of one name.
@dataclass(kw_only=True)
class Planned(CustomEvent, name=f"{__name__.split('.')[-2]}.planned"):
    """The plan has changed."""

    steps: list[dict[str, Any]]


async def write_plan(ctx: RunContext[AgentDeps], steps: list[Step]) -> str:
    """Write the plan down, whole and each time that it changes; it replaces the one before.

    Args:
        steps: What is to be found out, in order.
    """
    plan = [step.model_dump() for step in steps]
    patch = SessionPatch(variables={VARIABLE: plan})
    with suppress(NotFound):  # an evaluation has no session
        async with ctx.deps.services.database.transaction() as db:
            await store.change_session(db, ctx.deps.caller, ctx.deps.session_id, patch)
    await ctx.emit(Planned(steps=plan))
    done = sum(step.status == "done" for step in steps)
    return f"{done} of {len(steps)} steps are done."


def show_plan(ctx: RunContext[AgentDeps]) -> str | None:
    """Tell the plan that an earlier turn has left, as the user may have changed it."""
    plan = ctx.deps.variables.get(VARIABLE)
    return plan and f"The plan when this turn began: {to_json(plan).decode()}"
