"""What a caller has used: runs with their tokens, costs and durations, and calls of tools.

What is in deleted sessions counts until it is erased: it was used all the same. Ids begin with the
time at which they were made, so a window of time is a range of an index.
"""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from ..auth.caller import Caller
from ..core.orm import SecondsBetween, first_uuid7
from ..sessions.models import AgentMessage, AgentRun, AgentSession

_TOOK_S = SecondsBetween(AgentRun.started_at, AgentRun.completed_at)
_TOTALS = (
    func.count().label("runs"),
    func.coalesce(func.sum(AgentRun.total_tokens), 0).label("total_tokens"),
    func.sum(AgentRun.cost_usd).label("cost_usd"),
    func.avg(_TOOK_S).label("average_s"),
    func.max(_TOOK_S).label("longest_s"),
)
_OUTCOME = case(
    (AgentMessage.interrupted, "interrupted"),
    (AgentMessage.completed_at.is_(None), "running"),
    else_=func.coalesce(AgentMessage.error, "success"),
)


class RunTotals(BaseModel):
    """Runs in numbers."""

    runs: int
    total_tokens: int
    cost_usd: Decimal | None = Field(description="Of the runs whose price is known.")
    average_s: float | None = Field(description="How long the runs took that have ended.")
    longest_s: float | None


class Stats(BaseModel):
    """What you have used since a moment."""

    since: datetime
    sessions: int
    messages: int
    total: RunTotals
    by_status: dict[str, RunTotals]
    by_agent: dict[str, RunTotals]
    by_model: dict[str, RunTotals]
    tools: dict[str, dict[str, int]] = Field(
        description="For each tool how many of its calls had which outcome: success, failed, "
        "denied, retried, interrupted, or that they are still running."
    )


async def load_stats(db: AsyncSession, caller: Caller, since: datetime) -> Stats:
    """What the caller has used since then."""
    first = first_uuid7(since)
    runs = (AgentRun.user_id == caller.id, AgentRun.run_id >= first)
    sessions = (AgentSession.user_id == caller.id, AgentSession.session_id >= first)
    messages = AgentMessage.run_id.in_(select(AgentRun.run_id).where(*runs))
    total = await db.execute(select(*_TOTALS).where(*runs))
    return Stats(
        since=since,
        sessions=await db.scalar(select(func.count()).where(*sessions)) or 0,
        messages=await db.scalar(select(func.count()).where(messages)) or 0,
        total=RunTotals.model_validate(total.mappings().one()),
        by_status=await _totals_by(db, AgentRun.status, *runs),
        by_agent=await _totals_by(db, AgentRun.agent_name, *runs),
        by_model=await _totals_by(db, AgentRun.model, *runs),
        tools=await _tool_calls(db, messages),
    )


async def _totals_by(
    db: AsyncSession, key: InstrumentedAttribute[str], *where: ColumnElement[bool]
) -> dict[str, RunTotals]:
    query = select(key.label("key"), *_TOTALS).where(*where).group_by(key).order_by(key)
    rows = (await db.execute(query)).mappings()
    return {row["key"]: RunTotals.model_validate(row) for row in rows}


async def _tool_calls(db: AsyncSession, where: ColumnElement[bool]) -> dict[str, dict[str, int]]:
    name, outcome = AgentMessage.tool_name, _OUTCOME.label("outcome")
    calls = select(name, outcome, func.count()).where(where, AgentMessage.role == "tool")
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for tool, ended, count in await db.execute(calls.group_by(name, outcome).order_by(name)):
        found[tool][ended] = count
    return found
