"""The rows of runs as their process writes them.

This is the system's side, so routes and tools never import it. Whoever writes for a run proves
with each write that the run is still theirs: a process that was believed dead and is not must not
write over what came after it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from pydantic_ai.messages import ModelMessage, ModelRequest, UserPromptPart
from pydantic_ai.usage import RunUsage
from pydantic_core import to_jsonable_python
from sqlalchemy import ColumnElement, Executable, Table, case, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..agents.definition import AgentRequest
from ..auth.caller import Caller
from ..core.db import Database
from ..core.errors import Conflict
from ..core.orm import Base, utc_now, uuid7
from ..sessions import store as sessions
from ..sessions.models import LIVE, AgentMessage, AgentRun, AgentSession, RunStatus
from ..sessions.schemas import SessionCreate
from ..sessions.settings import HistorySettings
from ..sessions.transcript import OUTCOME_UNKNOWN, Line, to_lines, without_media

_SESSIONS, _RUNS, _MESSAGES = (
    cast(Table, entity.__table__) for entity in (AgentSession, AgentRun, AgentMessage)
)


class RunInProgress(Conflict):
    """The session is busy: an answer is being given in it."""

    code, title, retryable = "run_in_progress", "The session is busy", True


@dataclass(frozen=True, kw_only=True)
class BegunRun:
    """A turn whose message and run row are stored, and what was said before it."""

    row: AgentRun
    session: AgentSession
    position: int
    prompt: ModelRequest
    history: list[ModelMessage]

    def message(self, at: int, message_id: UUID, line: Line) -> dict[str, Any]:
        """The row of the message number `at` of this run."""
        return {
            "message_id": message_id,
            "session_id": self.row.session_id,
            "run_id": self.row.run_id,
            "position": self.position + at,
            **vars(line),
        }


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a run ended."""

    status: RunStatus
    reason: str | None = None
    error: str | None = None
    output: Any = None
    usage: RunUsage = field(default_factory=RunUsage)


async def begin(
    database: Database,
    caller: Caller,
    run: AgentRun,
    asked: AgentRequest,
    bounds: HistorySettings,
    attempts: int = 3,
) -> BegunRun:
    """Store what the user asked and the run, in a new session if none is named.

    The history of the session comes back as far as `bounds` allow.

    Raises `NotFound` when the session is not the caller's, `RunInProgress` when it is busy.
    """
    try:
        return await database.work(lambda db: _begin(db, caller, run, asked, bounds))
    except IntegrityError:  # a run is live in this session, or was a moment ago
        await database.work(lambda db: _make_room(db, caller, asked.session_id, run.owner_id))
        if attempts == 1:
            raise
    return await begin(database, caller, run, asked, bounds, attempts - 1)


def _begin(
    db: Session, caller: Caller, run: AgentRun, asked: AgentRequest, bounds: HistorySettings
) -> BegunRun:
    message, history, position = asked.message, list[ModelMessage](), 0
    if asked.session_id is None:
        session = sessions.new_session(caller, run.agent_name, SessionCreate(), message)
        _insert(db, session)
    else:
        session = sessions.find_session(db, caller, asked.session_id, run.agent_name, True)
        history, position = sessions.load_history(db, caller, asked.session_id, bounds, message)
        session.session_title = session.session_title or sessions.title_from(message)
        session.updated_at = utc_now()
    run.run_id, run.session_id, run.user_id = uuid7(), session.session_id, caller.id
    run.user_message_id, run.status, run.started_at = uuid7(), "running", utc_now()
    _insert(db, run)
    begun = BegunRun(
        row=run,
        session=session,
        position=position,
        prompt=ModelRequest(parts=[UserPromptPart(message)], run_id=str(run.run_id)),
        history=history,
    )
    line = to_lines([begun.prompt])[0]
    db.execute(insert(_MESSAGES), begun.message(0, run.user_message_id, line))
    return begun


def _insert(db: Session, row: Base) -> None:
    """Insert a row as it is: the unit of work of `add` costs several times as much."""
    values = {name: value for name, value in vars(row).items() if not name.startswith("_")}
    db.execute(insert(cast(Table, row.__table__)), values)


def _make_room(db: Session, caller: Caller, session_id: UUID | None, owner_id: UUID | None) -> None:
    """Close what a dead process has left in a session; raises `RunInProgress` if a run lives."""
    # What is this process's own is not dead.
    others = AgentRun.owner_id.is_distinct_from(owner_id)
    sweep(db, AgentRun.session_id == session_id, others)
    run_id = db.scalar(
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


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What is to be written of a run: its messages so far, and how it ended if it has."""

    run_id: UUID
    session_id: UUID
    lines: list[Line]
    messages: list[dict[str, Any]]
    run: dict[str, Any]
    assistant_message_id: UUID | None
    is_last: bool


class Transcript:
    """What has been written of one run, and what has to be to tell more of it."""

    def __init__(self, run: BegunRun) -> None:
        self._run = run
        self._ids = [cast(UUID, run.row.user_message_id)]
        self._stored: list[Line] = to_lines([run.prompt])
        self.assistant_message_id: UUID | None = None

    def draft(self, messages: Sequence[ModelMessage], ending: Ending | None = None) -> Draft:
        """What is new in `messages`, and how the run ended if it has."""
        lines = to_lines(messages or [self._run.prompt])
        _mark_unfinished(lines, ending)
        self._ids.extend(uuid7() for _ in lines[len(self._ids) :])
        said = [self._ids[at] for at, line in enumerate(lines) if line.role == "assistant"]
        said_last = said[-1] if said else None
        run = _values(ending) if ending is not None else {}
        if said_last != self.assistant_message_id:
            run["assistant_message_id"] = said_last
        known = [*self._stored, *[None] * len(lines)]
        news = [at for at, line in enumerate(lines) if line != known[at]]
        return Draft(
            run_id=self._run.row.run_id,
            session_id=self._run.row.session_id,
            lines=lines,
            messages=[self._run.message(at, self._ids[at], lines[at]) for at in news],
            run=run,
            assistant_message_id=said_last,
            is_last=ending is not None,
        )

    def written(self, draft: Draft) -> None:
        """Take note that a draft is stored."""
        self._stored = draft.lines
        self.assistant_message_id = draft.assistant_message_id


async def write(
    database: Database, owner_id: UUID, drafts: Mapping[UUID, Draft]
) -> Collection[UUID]:
    """Write drafts of this process's runs in one transaction; return whose runs are still its own.

    Of a run that isn't, nothing is written.
    """
    return await database.work(lambda db: _write(db, database, owner_id, drafts))


def _write(
    db: Session, database: Database, owner_id: UUID, drafts: Mapping[UUID, Draft]
) -> Collection[UUID]:
    still_own = select(_RUNS.c.run_id).where(
        _RUNS.c.run_id.in_(drafts), _RUNS.c.owner_id == owner_id, _RUNS.c.status == "running"
    )
    own = set(db.scalars(still_own.with_for_update()).all())
    kept = [draft for run_id, draft in drafts.items() if run_id in own]
    # Not a plain insert: a commit that failed may have taken place all the same.
    if messages := [row for draft in kept for row in draft.messages]:
        db.execute(_upsert_messages(database), messages)
    for draft in kept:
        if draft.run:
            db.execute(update(_RUNS).where(_RUNS.c.run_id == draft.run_id).values(draft.run))
    if ended := [draft.session_id for draft in kept if draft.is_last]:
        of_ended = update(_SESSIONS).where(_SESSIONS.c.session_id.in_(ended))
        db.execute(of_ended.values(updated_at=utc_now()))
    return own


def _upsert_messages(database: Database) -> Executable:
    insert = database.insert(_MESSAGES)
    fixed = ("message_id", "session_id", "run_id", "position", "created_at")
    columns = {name: value for name, value in insert.excluded.items() if name not in fixed}
    return insert.on_conflict_do_update(index_elements=["message_id"], set_=columns)


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


async def renew(
    database: Database, owner_id: UUID, run_ids: Collection[UUID], lease_s: float
) -> dict[UUID, bool]:
    """Renew the leases of a process's runs at once: those still its own, each with whether it
    shall stop."""
    statement = (
        update(AgentRun)
        .where(
            AgentRun.run_id.in_(run_ids),
            AgentRun.owner_id == owner_id,
            AgentRun.status == "running",
        )
        .values(lease_until=lease_until(lease_s))
        .returning(AgentRun.run_id, AgentRun.stop_requested_at)
    )
    rows = await database.work(lambda db: db.execute(statement).all())
    return {run_id: stop_requested_at is not None for run_id, stop_requested_at in rows}


def sweep(db: Session, *only: ColumnElement[bool]) -> Sequence[UUID]:
    """Interrupt the runs whose lease has expired, for their process is dead; return their ids."""
    now = utc_now()
    expired = update(AgentRun).where(
        AgentRun.status == "running", AgentRun.lease_until < now, *only
    )
    interrupted = expired.values(
        status="interrupted", reason="process_died", lease_until=None, completed_at=now
    )
    run_ids = db.scalars(interrupted.returning(AgentRun.run_id)).all()
    unfinished = update(AgentMessage).where(
        AgentMessage.run_id.in_(run_ids), AgentMessage.completed_at.is_(None)
    )
    unknown = case((AgentMessage.role == "tool", OUTCOME_UNKNOWN), else_=AgentMessage.error)
    if run_ids:
        db.execute(unfinished.values(interrupted=True, error=unknown))
    return run_ids
