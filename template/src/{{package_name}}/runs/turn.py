"""One turn: asks the agent, tells the log what happens, and keeps it in rows, whatever happens.

The message and the run are stored before this begins. While it goes on, the rows follow at short
intervals and with each tool result. However it ends, the rows are written first and the closing
event comes after them, so nobody is told of something that isn't so.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from pydantic_ai import Agent, AgentRun, AgentRunResult, CancellationToken, DeferredToolRequests
from pydantic_ai import messages as ai
from pydantic_ai.exceptions import RunCancelled, RunTimedOut
from pydantic_ai.usage import RunUsage
from pydantic_core import to_jsonable_python

from ..agents.definition import AgentDefinition, AgentDeps, AgentRequest
from ..auth.caller import Caller
from ..core.errors import AppError, ModelTimeout, Unavailable
from ..core.services import Services
from ..llm.errors import explain
from ..llm.models import DEMO, Models
from ..sessions.models import RunStatus
from ..sessions.transcript import arguments_of
from . import events
from .event_log import EventLog
from .settings import RunsSettings
from .store import BegunRun, Ending, Transcript

log = structlog.get_logger(__name__)

STORE_EVERY_S = 0.25

_STORE_ATTEMPTS = 4
_FIRST_PAUSE_S = 0.1


@dataclass(kw_only=True, eq=False)
class Turn:
    """A turn that is going on. `play` plays it to its end; `stop` ends it early."""

    services: Services
    caller: Caller
    definition: AgentDefinition
    request: AgentRequest
    begun: BegunRun
    log: EventLog = field(default_factory=EventLog)
    failure: AppError | None = None
    task: asyncio.Task[None] | None = None
    _readers: int = 0
    _stopped_for: str | None = None
    _lost: bool = False
    _over: bool = False
    _token: CancellationToken = field(default_factory=CancellationToken)
    _run: AgentRun[AgentDeps, Any] | None = None
    _speaking: Callable[[], ai.ModelResponse] | None = None
    _returned: list[ai.ToolReturnPart] = field(default_factory=list)
    _open_tools: dict[str, str] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _urgent: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.row = row = self.begun.row
        self.is_demo = row.model == DEMO
        self._transcript = Transcript(self.services.database, self.begun)
        self._time_limit_s = self.services.get(RunsSettings).time_limit_s
        self.log.append(
            events.Meta(
                run_id=row.run_id,
                session_id=row.session_id,
                agent=row.agent_name,
                model=row.model,
                demo=self.is_demo,
                user_message_id=self.begun.user_message_id,
                started_at=row.started_at,
            )
        )

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
        self._lost = True
        self.stop("lease_lost")

    async def play(self) -> None:
        """Play the turn to its end; a cancellation from outside only makes it an early one."""
        storing = asyncio.create_task(self._keep_stored())
        try:
            ending = await self._answer()
        except asyncio.CancelledError:
            self.stop("cancelled")
            ending = self._ending("interrupted")
        self._over = True
        self._changed.set()
        self._urgent.set()
        await storing  # never cancelled: nobody would know whether its last commit took place
        await self._close(ending)

    async def _answer(self) -> Ending:
        """Let the agent answer and say how it ended; the border where every error is caught."""
        try:
            result = await self._converse()
        except RunTimedOut:
            limit = f"{self._time_limit_s:g} s (RUNS__TIME_LIMIT_S)"
            self.failure = ModelTimeout(f"the run was stopped after {limit}")
        except RunCancelled:
            return self._ending("interrupted")
        except Exception as error:
            known = explain(error, self.row.model)
            level = logging.WARNING if known else logging.ERROR
            log.log(level, "run_failed", error=str(error), exc_info=known is None)
            self.failure = known or AppError("something unexpected went wrong")
        else:
            paused = isinstance(result.output, DeferredToolRequests)
            output = None if isinstance(result.output, str) else result.output
            return self._ending("paused" if paused else "completed", output)
        return self._ending("error")

    async def _converse(self) -> AgentRunResult[Any]:
        agent = self.definition.agent
        own_model = self.definition.model is None and not isinstance(agent.model, str | None)
        models = self.services.get(Models)
        async with agent.iter(
            self.request.message,
            message_history=ai.repair_messages(self.begun.history),
            deps=self._deps(),
            model=None if own_model else await models.get(self.row.model),
            model_settings=self.request.model_settings(),
            cancellation_token=self._token,
            timeout=self._time_limit_s,
            run_id=str(self.row.run_id),
            conversation_id=str(self.row.session_id),
        ) as run:
            self._run = run
            async for node in run:
                if Agent.is_model_request_node(node):
                    async with node.stream(run.ctx) as response:
                        self._speaking = lambda: response.response
                        async for event in response:
                            self._tell(event)
                elif Agent.is_call_tools_node(node):
                    self._speaking = None
                    self._returned.clear()
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
                thinks = isinstance(part, ai.ThinkingPart)
                self._tell_text(events.Reasoning if thinks else events.Delta, part.content)
            case ai.PartDeltaEvent(delta=ai.TextPartDelta(content_delta=text)):
                self._tell_text(events.Delta, text)
            case ai.PartDeltaEvent(delta=ai.ThinkingPartDelta(content_delta=str(text))):
                self._tell_text(events.Reasoning, text)
            case ai.ToolCallEvent(part=call):
                self._open_tools[call.tool_call_id] = name = call.tool_name
                arguments, call_id = arguments_of(call), call.tool_call_id
                start = events.ToolStart(tool_call_id=call_id, tool_name=name, arguments=arguments)
                self.log.append(start)
            case ai.ToolResultEvent(part=result):
                self._open_tools.pop(result.tool_call_id, None)
                self._returned.append(result)
                self._urgent.set()
                self._tell_end(result)
            case ai.CustomEvent():
                self._tell_progress(event)
        self._changed.set()

    def _tell_text(self, kind: type[events.TextEvent], text: str) -> None:
        if text:
            self.log.append(kind(text=text))

    def _tell_end(self, result: ai.ToolReturnPart) -> None:
        self.log.append(
            events.ToolEnd(
                tool_call_id=result.tool_call_id,
                tool_name=result.tool_name,
                outcome=result.outcome,
                result=result.model_response_str()[: events.RESULT_LIMIT],
            )
        )

    def _tell_progress(self, event: ai.CustomEvent) -> None:
        about = {"name", "tool_call_id", "tool_name", "event_kind"}
        data = {name: value for name, value in vars(event).items() if name not in about}
        self.log.append(
            events.Progress(
                name=event.name,
                tool_call_id=event.tool_call_id,
                tool_name=event.tool_name,
                data=to_jsonable_python(data, serialize_unknown=True),
            )
        )

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

    async def _keep_stored(self) -> None:
        """Store what has changed at short intervals, and tool results at once."""
        while True:
            await self._changed.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._urgent.wait(), STORE_EVERY_S)
            if self._over:
                return
            self._changed.clear()
            self._urgent.clear()
            try:
                if not await self._transcript.save(self._messages()):
                    self.lose()
                    return
            except Exception:
                log.warning("run_not_stored_yet", exc_info=True)

    def _ending(self, status: RunStatus, output: Any = None) -> Ending:
        return Ending(
            status=status,
            reason=self.failure.code if self.failure else self._stopped_for,
            error=self.failure.message if self.failure else None,
            output=to_jsonable_python(output, serialize_unknown=True),
            usage=self._run.usage if self._run else RunUsage(),
        )

    async def _close(self, ending: Ending) -> None:
        """Write the end of the turn, then say it; what is not written is not said."""
        messages = self._messages()
        if ending.status != "paused":
            messages = ai.repair_messages(messages)
        if not await self._store(messages, ending):
            why = "it was taken for dead" if self._lost else "the database cannot be reached"
            self.failure = Unavailable(f"the end of the run could not be stored: {why}")
        for call_id, name in self._open_tools.items():
            cut = ai.INTERRUPTED_TOOL_RETURN_CONTENT
            self._tell_end(ai.ToolReturnPart(name, cut, call_id, outcome="interrupted"))
        self.log.append(self._closing(ending))

    async def _store(self, messages: list[ai.ModelMessage], ending: Ending) -> bool:
        for attempt in range(_STORE_ATTEMPTS):
            if self._lost:
                return False
            try:
                self._lost = not await self._transcript.save(messages, ending)
                return not self._lost
            except Exception:
                log.error("run_not_stored", attempt=attempt + 1, exc_info=True)
                await asyncio.sleep(_FIRST_PAUSE_S * 4**attempt)
        return False

    def _closing(self, ending: Ending) -> events.ClosingEvent:
        run_id, said = self.row.run_id, self._transcript.assistant_message_id
        if self.failure is not None:
            return events.Failed(
                run_id=run_id,
                assistant_message_id=said,
                code=self.failure.code,
                title=self.failure.title,
                detail=self.failure.message,
                retryable=self.failure.retryable,
            )
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
