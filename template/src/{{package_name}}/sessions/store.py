"""Queries of conversations. Each takes the caller, and sees nobody else's rows."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from pydantic_ai.messages import ModelMessage
from sqlalchemy import Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from ..auth.caller import Caller
from ..core.conditions import check_unchanged
from ..core.errors import NotFound
from ..core.orm import utc_now, uuid7
from .models import AgentMessage, AgentRun, AgentSession, RunStatus
from .schemas import SessionCreate, SessionPatch, SessionView
from .settings import HistorySettings
from .transcript import NEVER_RUN, count_tokens, decode, newest_that_fit

STOP_TOPIC = "runs.stop"
"""The bus carries the id of a run on it when somebody wants that run to stop."""

TITLE_LENGTH = 80


async def create_session(
    db: AsyncSession, caller: Caller, agent_name: str, asked: SessionCreate
) -> AgentSession:
    """Add a session of the caller's."""
    session = new_session(caller, agent_name, asked)
    db.add(session)
    await db.flush()
    return session


def new_session(
    caller: Caller, agent_name: str, asked: SessionCreate, message: str = ""
) -> AgentSession:
    """A session of the caller's, which is not in the database yet; `message` begins it."""
    return AgentSession(
        session_id=uuid7(),
        user_id=caller.id,
        agent_name=agent_name,
        session_title=asked.title or title_from(message) or None,
        preferences=asked.preferences,
        variables=asked.variables,
    )


async def get_session(
    db: AsyncSession,
    caller: Caller,
    session_id: UUID,
    agent_name: str | None = None,
    *,
    for_update: bool = False,
) -> AgentSession:
    """The caller's session, of this agent if one is named; `NotFound` if deleted or not theirs.

    With `for_update` nobody else changes it before the transaction is over.
    """
    return await db.run_sync(find_session, caller, session_id, agent_name, for_update)


def find_session(
    db: Session,
    caller: Caller,
    session_id: UUID,
    agent_name: str | None = None,
    for_update: bool = False,
) -> AgentSession:
    """What `get_session` returns, within work of the database."""
    query = _sessions_of(caller, agent_name).where(AgentSession.session_id == session_id)
    session = db.scalar(query.with_for_update() if for_update else query)
    if session is None:
        whose = f" of agent {agent_name!r}" if agent_name else ""
        raise NotFound(f"there is no session {str(session_id)!r}{whose}: list yours to find its id")
    return session


async def change_session(
    db: AsyncSession,
    caller: Caller,
    session_id: UUID,
    patch: SessionPatch,
    if_match: str | None = None,
) -> AgentSession:
    """Apply a patch to the caller's session; `PreconditionFailed` if it isn't what they read."""
    session = await get_session(db, caller, session_id, for_update=True)
    check_unchanged(if_match, SessionView.model_validate(session))
    before = {
        "title": session.session_title,
        "summary": session.session_summary,
        "preferences": session.preferences,
        "variables": session.variables,
    }
    after = merge(before, patch.model_dump(exclude_unset=True))
    session.session_title, session.session_summary = after.get("title"), after.get("summary")
    session.preferences = after.get("preferences", {})
    session.variables = after.get("variables", {})
    await db.flush()
    return session


def merge(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return `target` as patched by https://www.rfc-editor.org/rfc/rfc7396#section-2."""
    merged = dict(target)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            own = merged.get(name)
            merged[name] = merge(own if isinstance(own, dict) else {}, value)
        else:
            merged[name] = value
    return merged


async def list_sessions(
    db: AsyncSession,
    caller: Caller,
    *,
    limit: int,
    agent_name: str | None = None,
    before: UUID | None = None,
) -> Sequence[AgentSession]:
    """Return the caller's sessions, newest first, those begun before session `before`."""
    query = _sessions_of(caller, agent_name)
    if before is not None:
        query = query.where(AgentSession.session_id < before)
    newest_first = query.order_by(AgentSession.session_id.desc()).limit(limit)
    return (await db.scalars(newest_first)).all()


def _sessions_of(caller: Caller, agent_name: str | None) -> Select[AgentSession]:
    query = select(AgentSession).where(AgentSession.user_id == caller.id, AgentSession.is_active)
    return query.where(AgentSession.agent_name == agent_name) if agent_name else query


async def list_messages(
    db: AsyncSession, caller: Caller, session_id: UUID, *, limit: int, after: int = -1
) -> Sequence[AgentMessage]:
    """Messages of the caller's session in order, behind position `after`; raises `NotFound`."""
    await get_session(db, caller, session_id)
    query = (
        select(AgentMessage)
        .where(AgentMessage.session_id == session_id, AgentMessage.position > after)
        .order_by(AgentMessage.position)
        .limit(limit)
    )
    return (await db.scalars(query)).all()


async def delete_session(db: AsyncSession, caller: Caller, session_id: UUID) -> Sequence[UUID]:
    """Hide the caller's session and do what `request_stop` does; raises `NotFound`."""
    session = await get_session(db, caller, session_id, for_update=True)
    session.is_active = False
    session.deleted_at = utc_now()
    return await request_stop(db, caller, session_id)


async def request_stop(db: AsyncSession, caller: Caller, session_id: UUID) -> Sequence[UUID]:
    """End the paused run of the caller's session and tell a running one to stop.

    Returns the ids of those that run: publish them on `STOP_TOPIC` after the commit, so that
    the process at work stops at once and not at its next look into the rows.
    """
    own = (AgentRun.session_id == session_id, AgentRun.user_id == caller.id)
    now = utc_now()
    ended = {"status": "interrupted", "reason": "stopped", "output": None, "completed_at": now}
    paused = await db.scalars(
        update(AgentRun)
        .where(*own, AgentRun.status == "paused")
        .values(**ended, stop_requested_at=now)
        .returning(AgentRun.run_id)
    )
    await db.execute(
        update(AgentMessage)
        .where(AgentMessage.run_id.in_(paused.all()), AgentMessage.completed_at.is_(None))
        .values(interrupted=True, error=NEVER_RUN)
    )
    running = await db.scalars(
        update(AgentRun)
        .where(*own, AgentRun.status == "running")
        .values(stop_requested_at=func.coalesce(AgentRun.stop_requested_at, now))
        .returning(AgentRun.run_id)
    )
    return running.all()


async def get_run(db: AsyncSession, caller: Caller, run_id: UUID) -> AgentRun:
    """The caller's run; raises `NotFound` if it is not theirs or its session is deleted."""
    run = await db.scalar(_runs_of(caller).where(AgentRun.run_id == run_id))
    if run is None:
        raise NotFound(f"there is no run {str(run_id)!r}")
    return run


async def messages_of_run(db: AsyncSession, caller: Caller, run_id: UUID) -> Sequence[AgentMessage]:
    """The messages of the caller's run, in order."""
    query = (
        select(AgentMessage)
        .join(AgentRun, AgentRun.run_id == AgentMessage.run_id)
        .where(AgentRun.run_id == run_id, AgentRun.user_id == caller.id)
        .order_by(AgentMessage.position)
    )
    return (await db.scalars(query)).all()


async def answer_of_run(db: AsyncSession, caller: Caller, run_id: UUID) -> str:
    """What the agent said last in the caller's run; nothing if it said nothing."""
    query = (
        select(AgentMessage.content)
        .join(AgentRun, AgentRun.assistant_message_id == AgentMessage.message_id)
        .where(AgentRun.run_id == run_id, AgentRun.user_id == caller.id)
    )
    return await db.scalar(query) or ""


async def list_runs(
    db: AsyncSession,
    caller: Caller,
    *,
    limit: int,
    session_id: UUID | None = None,
    agent_name: str | None = None,
    status: RunStatus | None = None,
    before: UUID | None = None,
) -> Sequence[AgentRun]:
    """Return the caller's runs, newest first, those begun before run `before`."""
    wanted = (
        (AgentRun.session_id, session_id),
        (AgentRun.agent_name, agent_name),
        (AgentRun.status, status),
    )
    query = _runs_of(caller).where(*(column == one for column, one in wanted if one is not None))
    if before is not None:
        query = query.where(AgentRun.run_id < before)
    return (await db.scalars(query.order_by(AgentRun.run_id.desc()).limit(limit))).all()


def _runs_of(caller: Caller) -> Select[AgentRun]:
    """The caller's runs, but for those of deleted sessions."""
    query = select(AgentRun).join(AgentSession, AgentSession.session_id == AgentRun.session_id)
    return query.where(AgentRun.user_id == caller.id, AgentSession.is_active)


def load_history(
    db: Session, caller: Caller, session_id: UUID, bounds: HistorySettings, message: str = ""
) -> tuple[list[ModelMessage], int]:
    """The messages of the last runs of the caller's session, exactly as the model saw and wrote
    them: as many whole runs as fit in `bounds`, together with the `message` that comes next.

    The number behind them is the position of the next row.
    """
    newest_first = func.max(AgentMessage.position).desc()
    of_session = select(AgentMessage.run_id).where(AgentMessage.session_id == session_id)
    recent = of_session.group_by(AgentMessage.run_id).order_by(newest_first)
    query = (
        select(AgentMessage)
        .join(AgentSession, AgentSession.session_id == AgentMessage.session_id)
        .where(AgentSession.user_id == caller.id)
        .where(AgentMessage.run_id.in_(recent.limit(bounds.num_history_runs)))
        .order_by(AgentMessage.position)
    )
    rows = db.scalars(query).all()
    runs = [list(run) for _, run in groupby(rows, key=attrgetter("run_id"))]
    limit = int(bounds.max_context_length * bounds.context_compression_threshold)
    fitting = newest_that_fit(runs, limit - count_tokens(message))
    messages = [decode(row.data) for run in fitting for row in run if row.data is not None]
    return messages, rows[-1].position + 1 if rows else 0


def title_from(message: str) -> str:
    """Return a title for a session that begins with `message`: its first words, on one line."""
    line = " ".join(message.split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"
