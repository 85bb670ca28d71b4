"""The events of a run from its rows: the same, with the same ids, as its log had.

So a client that comes back late, or to another process, goes on where it was. What was told in
many pieces is told in one; progress is not repeated.
"""

from collections.abc import Sequence
from typing import cast

from pydantic_ai.messages import (
    INTERRUPTED_TOOL_RETURN_CONTENT,
    ModelResponse,
    TextPart,
    ThinkingPart,
)

from ..llm.models import DEMO
from ..sessions.models import LIVE, AgentMessage, AgentRun
from ..sessions.transcript import decode
from .events import (
    ClosingEvent,
    Delta,
    Done,
    Meta,
    Outcome,
    Paused,
    Reasoning,
    ToolStart,
    failed,
    tool_end,
)
from .log import RunLog

_ERRORS = ("failed", "denied", "retried")


def replay(run: AgentRun, messages: Sequence[AgentMessage]) -> RunLog:
    """Return the log of a run as its rows tell it; it is closed if the run has ended."""
    log = RunLog()
    log.append(meta(run))
    tools: list[AgentMessage] = []
    for message in messages:
        if message.role == "tool":
            tools.append(message)
            continue
        _tell_tools(log, run, tools)
        tools = []
        if message.role == "assistant":
            _tell_answer(log, message)
    _tell_tools(log, run, tools)
    if closing := _closing(run):
        log.append(closing)
    return log


def meta(run: AgentRun) -> Meta:
    """Return the first event of a run."""
    return Meta(
        run_id=run.run_id,
        session_id=run.session_id,
        agent=run.agent_name,
        model=run.model,
        demo=run.model == DEMO,
        user_message_id=run.user_message_id or run.run_id,
        started_at=run.started_at,
    )


def _tell_answer(log: RunLog, message: AgentMessage) -> None:
    answer = decode(message.data) if message.data else None
    for part in answer.parts if isinstance(answer, ModelResponse) else ():
        if isinstance(part, TextPart | ThinkingPart) and part.content:
            log.begin_text()
            kind = Delta if isinstance(part, TextPart) else Reasoning
            log.append(kind(text=part.content))


def _tell_tools(log: RunLog, run: AgentRun, tools: list[AgentMessage]) -> None:
    """Tell the calls of one answer in their order, then their ends in the order they came."""
    for tool in tools:
        log.append(
            ToolStart(
                tool_call_id=tool.tool_call_id or "",
                tool_name=tool.tool_name or "",
                arguments=tool.tool_arguments,
            )
        )
    ended = [tool for tool in tools if tool.completed_at is not None]
    cut = [tool for tool in tools if tool.completed_at is None and run.status not in LIVE]
    for tool in sorted(ended, key=lambda tool: (tool.completed_at, tool.position)) + cut:
        log.append(
            tool_end(
                tool.tool_call_id or "",
                tool.tool_name or "",
                _outcome(tool),
                tool.content or INTERRUPTED_TOOL_RETURN_CONTENT * (tool in cut),
            )
        )


def _outcome(tool: AgentMessage) -> Outcome:
    if tool.completed_at is None:
        return "interrupted"
    return cast(Outcome, tool.error) if tool.error in _ERRORS else "success"


def _closing(run: AgentRun) -> ClosingEvent | None:
    match run.status:
        case "completed" | "interrupted" as status:
            return Done(
                run_id=run.run_id,
                status=status,
                reason=run.reason,
                assistant_message_id=run.assistant_message_id,
                output=run.output,
                total_tokens=run.total_tokens,
            )
        case "paused":
            return Paused(run_id=run.run_id, requests=run.output)
        case "error":
            return failed(run.run_id, run.reason or "", run.error or "", run.assistant_message_id)
    return None
