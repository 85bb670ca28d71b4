"""The events of a run from its rows: the same, with the same ids, as its log had.

So a client that comes back late, or to another process, goes on where it was. What was told in
many pieces is told in one; progress is not repeated.
"""

import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from pydantic_ai import messages as ai

from ..core.errors import AppError
from ..llm.models import DEMO
from ..sessions.models import LIVE, AgentMessage, AgentRun
from ..sessions.transcript import NEVER_RUN, decode
from . import events
from .event_log import EventLog
from .events import Position
from .telling import text_of


def replay(run: AgentRun, messages: Sequence[AgentMessage]) -> EventLog:
    """The log of a run as its rows tell it; it is closed if the run has ended."""
    log = EventLog(size_limit_bytes=sys.maxsize)  # the rows are read as a whole anyway
    log.append(meta_of(run))
    for role, rows in groupby(messages, attrgetter("role")):
        for event in _tools(run, list(rows)) if role == "tool" else _texts(log, rows):
            log.append(event)
    if run.status not in {"queued", "running"}:
        log.append(_closing(run))
    return log


def can_have_told(run: AgentRun, told: EventLog, position: Position) -> bool:
    """Whether a client can have come to this position of a run, whose rows tell this.

    More has been told than the rows know while the run goes on, and when its process has died.
    """
    is_whole = told.closing is not None and run.reason != "process_died"
    return told.has_told(position) or not is_whole


def meta_of(run: AgentRun) -> events.Meta:
    """The first event of a run."""
    return events.Meta(
        run_id=run.run_id,
        session_id=run.session_id,
        agent=run.agent_name,
        model=run.model,
        demo=run.model == DEMO,
        user_message_id=run.user_message_id or run.run_id,
        started_at=run.started_at,
    )


def _texts(log: EventLog, rows: Iterable[AgentMessage]) -> Iterable[events.TextEvent]:
    for row in rows:
        answer = decode(row.data) if row.data else None
        for part in answer.parts if isinstance(answer, ai.ModelResponse) else ():
            if isinstance(part, ai.TextPart | ai.ThinkingPart) and part.content:
                log.begin_text()
                yield text_of(part)


def _tools(run: AgentRun, rows: Sequence[AgentMessage]) -> Iterable[events.Event]:
    """The calls of one answer in their order, then their ends in the order in which they came;
    what waited for a decision was told last."""
    waiting = [row for row in rows if _has_waited(run, row)]
    begun = [row for row in rows if row not in waiting]
    yield from map(_tool_start, begun)
    ended = [row for row in begun if row.completed_at is not None]
    cut = [row for row in begun if row.completed_at is None and run.status not in LIVE]
    for row in [*sorted(ended, key=attrgetter("completed_at", "position")), *cut]:
        yield _tool_end(row)
    yield from map(_tool_start, waiting)
    yield from map(_tool_end, waiting if run.status not in LIVE else ())


def _has_waited(run: AgentRun, row: AgentMessage) -> bool:
    return row.error == NEVER_RUN or (run.status == "paused" and row.completed_at is None)


def _tool_start(row: AgentMessage) -> events.ToolStart:
    return events.ToolStart(
        tool_call_id=row.tool_call_id or "",
        tool_name=row.tool_name or "",
        arguments=row.tool_arguments,
    )


def _tool_end(row: AgentMessage) -> events.ToolEnd:
    outcome: Any = "interrupted" if row.completed_at is None else row.error or "success"
    result = row.content or (ai.INTERRUPTED_TOOL_RETURN_CONTENT if outcome == "interrupted" else "")
    return events.ToolEnd(
        tool_call_id=row.tool_call_id or "",
        tool_name=row.tool_name or "",
        outcome=outcome,
        result=result[: events.RESULT_LIMIT],
    )


def _closing(run: AgentRun) -> events.ClosingEvent:
    said = run.assistant_message_id
    if run.status == "paused":
        return events.Paused(run_id=run.run_id, requests=run.output)
    if run.status == "error":
        kind = _kinds(AppError).get(run.reason or "", AppError)
        return events.failed(run.run_id, said, kind, run.error or kind.title)
    return events.Done(
        run_id=run.run_id,
        status="completed" if run.status == "completed" else "interrupted",
        reason=run.reason,
        assistant_message_id=said,
        output=run.output,
        total_tokens=run.total_tokens,
    )


def _kinds(kind: type[AppError]) -> dict[str, type[AppError]]:
    """Every kind of error by its code."""
    found = {kind.code: kind}
    for narrower in kind.__subclasses__():
        found |= _kinds(narrower)
    return found
