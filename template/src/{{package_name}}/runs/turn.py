"""One turn: asks the agent, tells the log what happens, and keeps it in rows, whatever happens.

The message and the run are stored before this begins. While it goes on, the writer is told what
changes and has the rows follow. However it ends, the rows are written first and the closing
event comes after them, so nobody is told of something that isn't so.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from pydantic_ai import Agent, AgentRun, AgentRunResult, CancellationToken, DeferredToolRequests
from pydantic_ai import messages as ai
from pydantic_ai.exceptions import RunCancelled, RunTimedOut, UsageLimitExceeded
from pydantic_ai.usage import RunUsage
from pydantic_core import to_jsonable_python

from ..agents.definition import AgentDefinition, AgentDeps, AgentRequest
from ..auth.caller import Caller
from ..core.errors import AppError, ModelTimeout, Unavailable
from ..core.orm import utc_now
from ..core.services import Services
from ..llm.errors import codes_of, explain
from ..llm.models import DEMO, Models
from ..llm.settings import LlmSettings
from ..sessions.models import RunStatus
from . import events, telling
from .event_log import EventLog
from .replay import meta_of
from .settings import RunsSettings
from .store import BegunRun, Draft, Ending, Transcript
from .tool_errors import ToolErrors
from .writer import RowWriter

log = structlog.get_logger(__name__)

_TOOL_ERRORS = ToolErrors()


class LimitReached(AppError):
    """A run has used up what it may: requests, tool calls, tokens or money."""

    code, status, title = "run_limit_reached", 422, "The run reached a limit"


@dataclass(kw_only=True, eq=False)
class Turn:
    """A turn that is going on. `play` plays it to its end; `stop` ends it early."""

    services: Services
    caller: Caller
    definition: AgentDefinition
    request: AgentRequest
    begun: BegunRun
    writer: RowWriter
    failure: AppError | None = None
    task: asyncio.Task[None] | None = None
    _readers: int = 0
    _stopped_for: str | None = None
    _ending: Ending | None = None
    _token: CancellationToken = field(default_factory=CancellationToken)
    _run: AgentRun[AgentDeps, Any] | None = None
    _speaking: Callable[[], ai.ModelResponse] | None = None
    _returned: list[ai.ToolReturnPart] = field(default_factory=list)
    _returned_at: datetime = field(default_factory=utc_now)
    _started: set[tuple[int, str]] = field(default_factory=set)
    _open_tools: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.row = row = self.begun.row
        self.run_id = row.run_id
        self.is_demo = row.model == DEMO
        self._transcript = Transcript(self.begun)
        self._settings = self.services.get(RunsSettings)
        self.log = EventLog(self.services.get(LlmSettings).gather_window_s)
        self.log.append(meta_of(row))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[EventLog]:
        """The log for one client; when the last one leaves early, the run may end."""
        self._readers += 1
        try:
            yield self.log
        finally:
            self._readers -= 1
            self.leave()

    def leave(self) -> None:
        """Stop the run if nobody is reading and it was asked for as long as somebody does."""
        if self.request.on_disconnect == "cancel" and self._readers == 0:
            self.stop("client_gone")

    def stop(self, reason: str) -> None:
        """End the turn as interrupted; the first reason is the one that stays."""
        if self._stopped_for is None and self.log.closing is None:
            self._stopped_for = reason
            self._token.cancel()

    def lose(self) -> None:
        """End the turn without writing anything: it was taken for dead and closed elsewhere."""
        self.stop("lease_lost")

    def draft(self) -> Draft:
        """What is to be written of the turn now."""
        messages = self._messages()
        if self._ending is not None and self._ending.status != "paused":
            messages = ai.repair_messages(messages)
        return self._transcript.draft(messages, self._ending)

    def written(self, draft: Draft) -> None:
        """Take note that a draft is stored."""
        self._transcript.written(draft)

    async def play(self) -> None:
        """Play the turn to its end; a cancellation from outside only makes it an early one."""
        try:
            ending = await self._answer()
        except asyncio.CancelledError:
            self.stop("cancelled")
            ending = self._end("interrupted")
        await self._close(ending)

    async def _answer(self) -> Ending:
        """Let the agent answer and say how it ended; the border where every error is caught."""
        try:
            result = await self._converse()
        except RunTimedOut:
            limit = f"{self._settings.time_limit_s:g} s (RUNS__TIME_LIMIT_S)"
            self.failure = ModelTimeout(f"the run was stopped after {limit}")
        except RunCancelled:
            return self._end("interrupted")
        except UsageLimitExceeded as error:
            limits = "RUNS__…_LIMIT, or the limits of the agent"
            self.failure = LimitReached(f"{error} ({limits})")
        except Exception as error:
            known = explain(error, self.row.model)
            level = logging.WARNING if known else logging.ERROR
            log.log(level, "run_failed", error=codes_of(error), exc_info=known is None)
            self.failure = known or AppError("something unexpected went wrong")
        else:
            paused = isinstance(result.output, DeferredToolRequests)
            output = None if isinstance(result.output, str) else result.output
            return self._end("paused" if paused else "completed", output)
        return self._end("error")

    async def _converse(self) -> AgentRunResult[Any]:
        models, is_own = self.services.get(Models), self.definition.brings_model
        async with self.definition.agent.iter(
            self.request.message,
            message_history=ai.repair_messages(self.begun.history),
            deps=self._deps(),
            model=None if is_own else await models.get(self.row.model),
            model_settings=self.request.model_settings(),
            cancellation_token=self._token,
            timeout=self._settings.time_limit_s,
            usage_limits=self.definition.limits or self._settings.usage_limits(),
            capabilities=[_TOOL_ERRORS],
            run_id=str(self.row.run_id),
            conversation_id=str(self.row.session_id),
        ) as run:
            self._run = run
            async for node in run:
                self._speaking = None
                self._returned.clear()
                if Agent.is_model_request_node(node):
                    async with node.stream(run.ctx) as response:
                        self._speaking = lambda: response.response
                        async for event in response:
                            self._tell(event)
                elif Agent.is_call_tools_node(node):
                    async with node.stream(run.ctx) as stream:
                        async for event in stream:
                            self._tell(event)
            assert run.result is not None
            return run.result

    def _deps(self) -> AgentDeps:
        return AgentDeps(
            caller=self.caller,
            session_id=self.row.session_id,
            run_id=self.row.run_id,
            context=self.definition.context_of(self.request),
            request=self.request,
            services=self.services,
            preferences=self.begun.session.preferences,
            variables=self.begun.session.variables,
        )

    def _tell(self, event: ai.AgentStreamEvent) -> None:
        """Append what the model or a tool has done to the log, and have it stored."""
        match event:
            case ai.PartStartEvent(part=ai.TextPart() | ai.ThinkingPart() as part):
                self.log.begin_text()
                if part.content:
                    self.log.append(telling.text_of(part))
            case ai.PartDeltaEvent(delta=ai.TextPartDelta(content_delta=text)) if text:
                self.log.append(events.Delta(text=text))
            case ai.PartDeltaEvent(delta=ai.ThinkingPartDelta(content_delta=str(text))) if text:
                self.log.append(events.Reasoning(text=text))
            case ai.ToolCallEvent(part=call):
                self._tell_start(call)
            case ai.ToolResultEvent(part=result):
                self._open_tools.pop(result.tool_call_id, None)
                # Strictly later than the one before: the rows know in which order they came.
                self._returned_at = max(utc_now(), self._returned_at + timedelta(microseconds=1))
                result.timestamp = self._returned_at
                self._returned.append(result)
                self.log.append(telling.tool_end(result))
                self.writer.changed(self, at_once=True)
            case ai.CustomEvent():
                self.log.append(telling.progress(event))
        self.writer.changed(self)

    def _tell_start(self, call: ai.ToolCallPart) -> None:
        # With the number of the answer, for some models use an id again.
        self._started.add((len(self._answers()), call.tool_call_id))
        self._open_tools[call.tool_call_id] = call.tool_name
        self.log.append(telling.tool_start(call))

    def _messages(self) -> list[ai.ModelMessage]:
        """The messages of this turn so far, with what is being said or done right now."""
        messages = list(self._run.new_messages()) if self._run else []
        answered = bool(messages) and isinstance(messages[-1], ai.ModelResponse)
        if self._speaking is not None and not answered:
            said = self._speaking()
            parts = [part for part in said.parts if not isinstance(part, ai.ToolCallPart)]
            if parts:
                messages.append(replace(said, parts=parts, state="interrupted"))
        elif self._returned and answered:
            messages.append(ai.ModelRequest(parts=list(self._returned), state="interrupted"))
        return messages

    def _end(self, status: RunStatus, output: Any = None) -> Ending:
        return Ending(
            status=status,
            reason=self.failure.code if self.failure else self._stopped_for,
            error=self.failure.message if self.failure else None,
            output=to_jsonable_python(output, serialize_unknown=True),
            usage=self._run.usage if self._run else RunUsage(),
        )

    async def _close(self, ending: Ending) -> None:
        """Write the end of the turn, then say it; what is not written is not said."""
        self._ending = ending
        try:
            await self.writer.end(self)
        except Unavailable as error:
            self.failure = error
        for call in self._unstarted_calls():
            self._tell_start(call)
        if ending.status != "paused":  # else they wait for a decision
            self._tell_cut_off()
        self.log.append(self._closing(ending))

    def _tell_cut_off(self) -> None:
        for call_id, name in self._open_tools.items():
            cut = ai.INTERRUPTED_TOOL_RETURN_CONTENT
            interrupted = ai.ToolReturnPart(name, cut, call_id, outcome="interrupted")
            self.log.append(telling.tool_end(interrupted))

    def _unstarted_calls(self) -> list[ai.ToolCallPart]:
        """What the last answer wanted and the run came to no more; the rows tell it as cut off."""
        answers = self._answers()
        calls = answers[-1].tool_calls if answers else []
        started = {call_id for number, call_id in self._started if number == len(answers)}
        return [call for call in calls if call.tool_call_id not in started]

    def _answers(self) -> list[ai.ModelResponse]:
        return [one for one in self._messages() if isinstance(one, ai.ModelResponse)]

    def _closing(self, ending: Ending) -> events.ClosingEvent:
        run_id, said = self.run_id, self._transcript.assistant_message_id
        if self.failure is not None:
            return events.failed(run_id, said, type(self.failure), self.failure.message)
        if ending.status == "paused":
            return events.Paused(run_id=run_id, requests=ending.output)
        return events.Done(
            run_id=run_id,
            status="completed" if ending.status == "completed" else "interrupted",
            reason=ending.reason,
            assistant_message_id=said,
            output=ending.output,
            total_tokens=ending.usage.total_tokens,
        )
