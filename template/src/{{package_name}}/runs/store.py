"""The rows of runs as their process writes them.

This is the system's side: it knows no caller, so routes and tools never import it. Whoever writes
for a run proves with each write that the run is still theirs: a process that was believed dead
and is not must not write over what came after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic_ai.messages import ModelMessage, ModelRequest, UserPromptPart
from pydantic_ai.usage import RunUsage
from pydantic_core import to_jsonable_python
from sqlalchemy import ColumnElement, CursorResult, and_, case, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from ..auth.caller import Caller
from ..core.db import Database
from ..core.orm import utc_now, uuid7
from ..sessions import store as sessions
from ..sessions.models import LIVE, AgentMessage, AgentRun, AgentSession, RunStatus
from ..sessions.transcript import OUTCOME_UNKNOWN, Line, to_lines
from .errors import RunInProgress

PROCESS_DIED = "process_died"


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """A turn that is about to begin."""

    caller: Caller
    agent_name: str
    model: str
    message: str
    session_id: UUID | None
    request: dict[str, Any]
    owner_id: UUID
    lease_s: float


@dataclass(frozen=True, kw_only=True)
class BegunRun:
    """A turn whose message and run row are stored, and what was said before it."""

    row: AgentRun
    position: int
    prompt: ModelRequest
    history: list[ModelMessage]

    @property
    def run_id(self) -> UUID:
        """The id of the run."""
        return self.row.run_id

    @property
    def session_id(self) -> UUID:
        """The id of its session."""
        return self.row.session_id


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a run ended."""

    status: RunStatus
    reason: str | None = None
    error: str | None = None
    output: Any = None
    usage: RunUsage = field(default_factory=RunUsage)


async def begin(database: Database, new: NewRun) -> BegunRun:
    """Store the user's message and the run, in a new session if none is named.

    Raises `NotFound` when the session is not the caller's, `RunInProgress` when it is busy.
    """
    try:
        async with database.transaction() as db:
            return await _begin(db, new)
    except IntegrityError:  # another request was quicker by a moment
        async with database.session() as db:
            await _refuse_if_busy(db, new)
        raise


async def _begin(db: AsyncSession, new: NewRun) -> BegunRun:
    if new.session_id is None:
        session = await sessions.create_session(
            db, new.caller, sessions.NewSession(agent_name=new.agent_name)
        )
    else:
        session = await sessions.get_session(db, new.caller, new.session_id, new.agent_name)
        await interrupt_expired(db, AgentRun.session_id == new.session_id)
        await _refuse_if_busy(db, new)
    session.session_title = session.session_title or sessions.title_from(new.message)
    session.updated_at = utc_now()
    history = await sessions.load_history(db, new.caller, session.session_id)
    position = await sessions.next_position(db, new.caller, session.session_id)
    user_message_id = uuid7()
    run = AgentRun(
        run_id=uuid7(),
        session_id=session.session_id,
        user_id=new.caller.id,
        agent_name=new.agent_name,
        model=new.model,
        user_message_id=user_message_id,
        status="running",
        request=new.request,
        owner_id=new.owner_id,
        lease_until=utc_now() + timedelta(seconds=new.lease_s),
        started_at=utc_now(),
    )
    db.add(run)
    await db.flush()
    prompt = ModelRequest(parts=[UserPromptPart(new.message)], run_id=str(run.run_id))
    begun = BegunRun(row=run, position=position, prompt=prompt, history=history)
    db.add(_row(begun, 0, user_message_id, to_lines([prompt])[0]))
    return begun


async def _refuse_if_busy(db: AsyncSession, new: NewRun) -> None:
    live = await db.scalar(
        select(AgentRun).where(
            AgentRun.session_id == new.session_id,
            AgentRun.user_id == new.caller.id,
            AgentRun.status.in_(LIVE),
        )
    )
    if live is not None:
        raise RunInProgress(
            f"session {str(new.session_id)!r} is busy with run {str(live.run_id)!r}: "
            f"wait for its end, or stop it",
            details={
                "run_id": str(live.run_id),
                "session_id": str(new.session_id),
                "status": live.status,
            },
        )


class Transcript:
    """The message rows of one run, written again and again while it goes on."""

    def __init__(self, run: BegunRun) -> None:
        self._run = run
        self._ids = [run.row.user_message_id or uuid7()]
        self._stored: list[Line] = to_lines([run.prompt])
        self.assistant_message_id: UUID | None = None

    async def save(
        self,
        database: Database,
        messages: Sequence[ModelMessage],
        *,
        ending: Ending | None = None,
    ) -> bool:
        """Write what is new in `messages`, and how the run ended if it has.

        Returns False, and writes nothing, when the run no longer belongs to this process.
        """
        lines = to_lines(messages or [self._run.prompt])
        if ending is None:
            _leave_open(lines)
        else:
            _close(lines, ending)
        self._keep_times(lines)
        self._ids.extend(uuid7() for _ in range(len(lines) - len(self._ids)))
        spoken = [at for at, line in enumerate(lines) if line.role == "assistant"]
        self.assistant_message_id = self._ids[spoken[-1]] if spoken else None
        async with database.transaction() as db:
            if not await self._touch(db, ending):
                return False
            for at, line in enumerate(lines):
                await self._write(db, at, line)
        self._stored = lines
        return True

    def _keep_times(self, lines: list[Line]) -> None:
        """Let an answer be complete from the moment on when it was first seen complete."""
        for at, line in enumerate(lines):
            if line.role == "assistant" and line.completed_at is not None:
                before = self._stored[at].completed_at if at < len(self._stored) else None
                line.completed_at = before or utc_now()

    async def _touch(self, db: AsyncSession, ending: Ending | None) -> bool:
        """Write to the run's row if it is still ours, and say whether it is."""
        values: dict[str, Any] = {"assistant_message_id": self.assistant_message_id}
        if ending is not None:
            values |= _ending_values(ending)
            await db.execute(
                update(AgentSession)
                .where(AgentSession.session_id == self._run.session_id)
                .values(updated_at=utc_now())
            )
        return await _changes_one(
            db,
            update(AgentRun)
            .where(
                AgentRun.run_id == self._run.run_id,
                AgentRun.owner_id == self._run.row.owner_id,
                AgentRun.status == "running",
            )
            .values(**values),
        )

    async def _write(self, db: AsyncSession, at: int, line: Line) -> None:
        if at >= len(self._stored):
            # Not `add`: a commit that failed may have taken place all the same.
            await db.merge(_row(self._run, at, self._ids[at], line))
        elif line != self._stored[at]:
            values = {name: value for name, value in vars(line).items() if name != "created_at"}
            await db.execute(
                update(AgentMessage)
                .where(AgentMessage.message_id == self._ids[at])
                .values(**values)
            )


def _row(run: BegunRun, at: int, message_id: UUID, line: Line) -> AgentMessage:
    values = {name: value for name, value in vars(line).items() if name != "created_at"}
    return AgentMessage(
        message_id=message_id,
        session_id=run.session_id,
        run_id=run.run_id,
        position=run.position + at,
        created_at=line.created_at or utc_now(),
        **values,
    )


def _leave_open(lines: list[Line]) -> None:
    """Let nothing look cut off while it may still go on."""
    for line in lines:
        if line.completed_at is None:
            line.interrupted, line.error = False, None


def _close(lines: list[Line], ending: Ending) -> None:
    """Mark what was still being said; an answer that failed says why."""
    for line in lines:
        line.interrupted = line.interrupted or (line.completed_at is None and line.role != "user")
    spoken = [line for line in lines if line.role == "assistant"]
    if ending.status == "error" and spoken:
        spoken[-1].error = ending.error


def _ending_values(ending: Ending) -> dict[str, Any]:
    paused = ending.status == "paused"
    return {
        "status": ending.status,
        "reason": ending.reason,
        "error": ending.error,
        "output": to_jsonable_python(ending.output, serialize_unknown=True),
        "usage": to_jsonable_python(ending.usage),
        "total_tokens": ending.usage.total_tokens,
        "cost_usd": ending.usage.cost,
        "owner_id": None if paused else AgentRun.owner_id,
        "lease_until": None,
        "completed_at": None if paused else utc_now(),
    }


async def renew(database: Database, owner_id: UUID, lease_s: float) -> dict[UUID, bool]:
    """Renew every lease of a process in one statement.

    Returns the ids of the runs that are still its own, each with whether it shall stop.
    """
    statement = (
        update(AgentRun)
        .where(AgentRun.owner_id == owner_id, AgentRun.status == "running")
        .values(lease_until=utc_now() + timedelta(seconds=lease_s))
        .returning(AgentRun.run_id, AgentRun.stop_requested_at)
    )
    async with database.transaction() as db:
        rows = (await db.execute(statement)).all()
    return {run_id: stop_requested_at is not None for run_id, stop_requested_at in rows}


async def sweep(database: Database) -> Sequence[UUID]:
    """Interrupt the runs whose process is dead, and return their ids."""
    expired = and_(AgentRun.status == "running", AgentRun.lease_until < utc_now())
    async with database.session() as db:  # most times there is nothing to do: don't take the lock
        if await db.scalar(select(AgentRun.run_id).where(expired).limit(1)) is None:
            return []
    async with database.transaction() as db:
        return await interrupt_expired(db)


async def interrupt_expired(db: AsyncSession, *only: ColumnElement[bool]) -> Sequence[UUID]:
    """Interrupt the runs whose lease has expired, and return their ids."""
    found = await db.scalars(
        update(AgentRun)
        .where(AgentRun.status == "running", AgentRun.lease_until < utc_now(), *only)
        .values(
            status="interrupted",
            reason=PROCESS_DIED,
            lease_until=None,
            completed_at=utc_now(),
        )
        .returning(AgentRun.run_id)
    )
    run_ids = found.all()
    if run_ids:
        await _interrupt_messages(db, run_ids)
    return run_ids


async def _interrupt_messages(db: AsyncSession, run_ids: Sequence[UUID]) -> None:
    await db.execute(
        update(AgentMessage)
        .where(
            AgentMessage.run_id.in_(run_ids),
            AgentMessage.completed_at.is_(None),
            AgentMessage.role != "user",
        )
        .values(
            interrupted=True,
            error=case((AgentMessage.role == "tool", OUTCOME_UNKNOWN), else_=AgentMessage.error),
        )
    )


async def _changes_one(db: AsyncSession, statement: Any) -> bool:
    result = await db.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount == 1
