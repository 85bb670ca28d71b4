"""The rows of runs as their process writes them.

This is the system's side, so routes and tools never import it. Whoever writes for a run proves
with each write that the run is still theirs: a process that was believed dead and is not must not
write over what came after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic_ai.messages import ModelMessage, ModelRequest, UserPromptPart
from pydantic_ai.usage import RunUsage
from pydantic_core import to_jsonable_python
from sqlalchemy import ColumnElement, case, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from ..agents.definition import AgentRequest
from ..auth.caller import Caller
from ..core.db import Database
from ..core.errors import Conflict
from ..core.orm import utc_now, uuid7
from ..sessions import store as sessions
from ..sessions.models import LIVE, AgentMessage, AgentRun, AgentSession, RunStatus
from ..sessions.schemas import SessionCreate
from ..sessions.settings import HistorySettings
from ..sessions.transcript import OUTCOME_UNKNOWN, Line, to_lines, without_media


class RunInProgress(Conflict):
    """The session is busy: an answer is being given in it."""

    code, title, retryable = "run_in_progress", "The session is busy", True


@dataclass(frozen=True, kw_only=True)
class BegunRun:
    """A turn whose message and run row are stored, and what was said before it."""

    row: AgentRun
    session: AgentSession
    user_message_id: UUID
    position: int
    prompt: ModelRequest
    history: list[ModelMessage]


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a run ended."""

    status: RunStatus
    reason: str | None = None
    error: str | None = None
    output: Any = None
    usage: RunUsage = field(default_factory=RunUsage)


async def begin(
    database: Database, caller: Caller, run: AgentRun, asked: AgentRequest, bounds: HistorySettings
) -> BegunRun:
    """Store what the user asked and the run, in a new session if none is named.

    The history of the session comes back as far as `bounds` allow.

    Raises `NotFound` when the session is not the caller's, `RunInProgress` when it is busy.
    """
    try:
        async with database.transaction() as db:
            return await _begin(db, caller, run, asked, bounds)
    except IntegrityError:  # another request was quicker by a moment
        async with database.session() as db:
            await _refuse_if_busy(db, caller, asked.session_id)
        raise


async def _begin(
    db: AsyncSession, caller: Caller, run: AgentRun, asked: AgentRequest, bounds: HistorySettings
) -> BegunRun:
    message, session_id = asked.message, asked.session_id
    if session_id is None:
        session = await sessions.create_session(db, caller, run.agent_name, SessionCreate())
    else:
        session = await sessions.get_session(
            db, caller, session_id, run.agent_name, for_update=True
        )
        await sweep(db, AgentRun.session_id == session_id)
        await _refuse_if_busy(db, caller, session_id)
    session.session_title = session.session_title or sessions.title_from(message)
    session.updated_at = utc_now()
    history, position = await sessions.load_history(db, caller, session.session_id, bounds, message)
    user_message_id = uuid7()
    run.run_id, run.session_id = uuid7(), session.session_id
    run.user_id, run.user_message_id = caller.id, user_message_id
    run.status, run.started_at = "running", utc_now()
    db.add(run)
    await db.flush()
    begun = BegunRun(
        row=run,
        session=session,
        user_message_id=user_message_id,
        position=position,
        prompt=ModelRequest(parts=[UserPromptPart(message)], run_id=str(run.run_id)),
        history=history,
    )
    db.add(_row(begun, 0, user_message_id, to_lines([begun.prompt])[0]))
    return begun


async def _refuse_if_busy(db: AsyncSession, caller: Caller, session_id: UUID | None) -> None:
    run_id = await db.scalar(
        select(AgentRun.run_id).where(
            AgentRun.session_id == session_id,
            AgentRun.user_id == caller.id,
            AgentRun.status.in_(LIVE),
        )
    )
    if run_id is not None:
        raise RunInProgress(
            f"session {str(session_id)!r} is busy with run {str(run_id)!r}: wait for it or stop it",
            details={"run_id": str(run_id), "session_id": str(session_id)},
        )


class Transcript:
    """The message rows of one run, written again and again while it goes on."""

    def __init__(self, database: Database, run: BegunRun) -> None:
        self._database = database
        self._run = run
        self._ids = [run.user_message_id]
        self._stored: list[Line] = to_lines([run.prompt])
        self.assistant_message_id: UUID | None = None

    async def save(self, messages: Sequence[ModelMessage], ending: Ending | None = None) -> bool:
        """Write what is new in `messages`, and how the run ended if it has.

        Returns False, and writes nothing, when the run no longer belongs to this process.
        """
        lines = to_lines(messages or [self._run.prompt])
        _mark_unfinished(lines, ending)
        self._ids.extend(uuid7() for _ in lines[len(self._ids) :])
        spoken = [at for at, line in enumerate(lines) if line.role == "assistant"]
        self.assistant_message_id = self._ids[spoken[-1]] if spoken else None
        async with self._database.transaction() as db:
            if not await self._write_run(db, ending):
                return False
            for at, line in enumerate(lines):
                if at >= len(self._stored) or line != self._stored[at]:
                    # Not `add`: a commit that failed may have taken place all the same.
                    await db.merge(_row(self._run, at, self._ids[at], line))
        self._stored = lines
        return True

    async def _write_run(self, db: AsyncSession, ending: Ending | None) -> bool:
        """Write the run's row if it is still ours, and say whether it is."""
        values: dict[str, Any] = {"assistant_message_id": self.assistant_message_id}
        if ending is not None:
            values |= _values(ending)
        run = self._run.row
        mine = update(AgentRun).where(
            AgentRun.run_id == run.run_id,
            AgentRun.owner_id == run.owner_id,
            AgentRun.status == "running",
        )
        found = await db.scalar(mine.values(**values).returning(AgentRun.session_id))
        if found is not None and ending is not None:
            session = update(AgentSession).where(AgentSession.session_id == found)
            await db.execute(session.values(updated_at=utc_now()))
        return found is not None


def _row(run: BegunRun, at: int, message_id: UUID, line: Line) -> AgentMessage:
    return AgentMessage(
        message_id=message_id,
        session_id=run.row.session_id,
        run_id=run.row.run_id,
        position=run.position + at,
        **vars(line),
    )


def _mark_unfinished(lines: list[Line], ending: Ending | None) -> None:
    """Let nothing look cut off while it may still go on, and what failed say why."""
    if ending is not None and lines[-1].role == "assistant" and not lines[-1].interrupted:
        lines[-1].completed_at = utc_now()
    over = ending is not None and ending.status != "paused"
    for line in lines:
        if line.completed_at is None and not over:
            line.interrupted, line.error = False, None
    if ending is not None and lines[-1].role == "assistant":
        lines[-1].error = ending.error


def _values(ending: Ending) -> dict[str, Any]:
    return {
        "status": ending.status,
        "reason": ending.reason,
        "error": ending.error,
        "output": without_media(ending.output),
        "usage": to_jsonable_python(ending.usage),
        "total_tokens": ending.usage.total_tokens,
        "cost_usd": ending.usage.cost,
        "lease_until": None,
        "completed_at": None if ending.status == "paused" else utc_now(),
    }


def lease_until(lease_s: float) -> Any:
    """Return when a lease ends that is given now."""
    return utc_now() + timedelta(seconds=lease_s)


async def renew(database: Database, owner_id: UUID, lease_s: float) -> dict[UUID, bool]:
    """Renew a process's leases at once: the runs still its own, each with whether it shall stop."""
    statement = (
        update(AgentRun)
        .where(AgentRun.owner_id == owner_id, AgentRun.status == "running")
        .values(lease_until=lease_until(lease_s))
        .returning(AgentRun.run_id, AgentRun.stop_requested_at)
    )
    async with database.transaction() as db:
        rows = (await db.execute(statement)).all()
    return {run_id: stop_requested_at is not None for run_id, stop_requested_at in rows}


async def sweep(db: AsyncSession, *only: ColumnElement[bool]) -> Sequence[UUID]:
    """Interrupt the runs whose lease has expired, for their process is dead; return their ids."""
    now = utc_now()
    expired = update(AgentRun).where(
        AgentRun.status == "running", AgentRun.lease_until < now, *only
    )
    interrupted = expired.values(
        status="interrupted", reason="process_died", lease_until=None, completed_at=now
    )
    run_ids = (await db.scalars(interrupted.returning(AgentRun.run_id))).all()
    unfinished = update(AgentMessage).where(
        AgentMessage.run_id.in_(run_ids), AgentMessage.completed_at.is_(None)
    )
    unknown = case((AgentMessage.role == "tool", OUTCOME_UNKNOWN), else_=AgentMessage.error)
    if run_ids:
        await db.execute(unfinished.values(interrupted=True, error=unknown))
    return run_ids
