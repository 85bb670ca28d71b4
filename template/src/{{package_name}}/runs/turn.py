"""One turn: asks the agent, tells the log what happens, and keeps it in rows, whatever happens.

The message and the run are stored before this begins. While it goes on, the rows follow at short
intervals and with each tool result. However it ends, the rows are written first and the closing
event comes after them, so nobody is told of something that isn't so.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from pydantic_ai import Agent, AgentRun, AgentRunResult, CancellationToken, DeferredToolRequests
from pydantic_ai.exceptions import RunCancelled, RunTimedOut
from pydantic_ai.messages import (
    INTERRUPTED_TOOL_RETURN_CONTENT,
    AgentStreamEvent,
    CustomEvent,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallEvent,
    ToolCallPart,
    ToolResultEvent,
    ToolReturnPart,
    repair_messages,
)
from pydantic_ai.usage import RunUsage
from pydantic_core import to_jsonable_python

from ..agents.definition import AgentDefinition, AgentDeps, AgentRequest
from ..core.db import Database
from ..core.errors import AppError, ModelTimeout, Unavailable
from ..llm.errors import explain
from ..llm.models import Models
from ..sessions.models import RunStatus
from ..sessions.transcript import arguments_of
from .events import (
    RESULT_LIMIT,
    ClosingEvent,
    Delta,
    Done,
    Failed,
    Paused,
    Progress,
    Reasoning,
    ToolEnd,
    ToolStart,
)
from .log import RunLog
from .settings import RunsSettings
from .store import BegunRun, Ending, Transcript

log = structlog.get_logger(__name__)

STORE_EVERY_S = 0.25

_STORE_ATTEMPTS = 4
_FIRST_PAUSE_S = 0.1


@dataclass(kw_only=True)
class Turn:
    """A turn that is going on. `play` plays it to its end; `stop` ends it early."""

    definition: AgentDefinition
    request: AgentRequest
    deps: AgentDeps
    begun: BegunRun
    models: Models
    database: Database
    settings: RunsSettings
    log: RunLog = field(default_factory=RunLog)
    failure: AppError | None = None
    _stopped_for: str | None = None
    _lost: bool = False
    _over: bool = False
    _token: CancellationToken = field(default_factory=CancellationToken)
    _run: AgentRun[AgentDeps, Any] | None = None
    _speaking: Callable[[], ModelResponse] | None = None
    _returned: list[ToolReturnPart] = field(default_factory=list)
    _open_tools: dict[str, str] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _urgent: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._transcript = Transcript(self.begun)

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
            limit = f"{self.settings.time_limit_s:g} s (RUNS__TIME_LIMIT_S)"
            self.failure = ModelTimeout(f"the run was stopped after {limit}")
        except RunCancelled:
            return self._ending("interrupted")
        except Exception as error:
            known = explain(error, self.begun.row.model)
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
        async with agent.iter(
            self.request.message,
            message_history=repair_messages(self.begun.history),
            deps=self.deps,
            model=None if own_model else await self.models.get(self.begun.row.model),
            model_settings=self.request.model_settings(),
            cancellation_token=self._token,
            timeout=self.settings.time_limit_s,
            run_id=str(self.begun.row.run_id),
            conversation_id=str(self.begun.row.session_id),
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
                    async with node.stream(run.ctx) as events:
                        async for event in events:
                            self._tell(event)
            assert run.result is not None
            return run.result

    def _tell(self, event: AgentStreamEvent) -> None:
        """Append what the model or a tool has done to the log, and have it stored."""
        match event:
            case PartStartEvent(part=TextPart() | ThinkingPart() as part):
                self.log.begin_text()
                self._tell_text(Delta if isinstance(part, TextPart) else Reasoning, part.content)
            case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
                self._tell_text(Delta, text)
            case PartDeltaEvent(delta=ThinkingPartDelta(content_delta=str(text))):
                self._tell_text(Reasoning, text)
            case ToolCallEvent(part=call):
                self._open_tools[call.tool_call_id] = call.tool_name
                arguments = arguments_of(call)
                self.log.append(
                    ToolStart(
                        tool_call_id=call.tool_call_id,
                        tool_name=call.tool_name,
                        arguments=arguments,
                    )
                )
            case ToolResultEvent(part=result):
                self._open_tools.pop(result.tool_call_id, None)
                self._returned.append(result)
                self._urgent.set()
                self._tell_end(result)
            case CustomEvent():
                self._tell_progress(event)
        self._changed.set()

    def _tell_text(self, kind: type[Delta] | type[Reasoning], text: str) -> None:
        if text:
            self.log.append(kind(text=text))

    def _tell_end(self, result: ToolReturnPart) -> None:
        self.log.append(
            ToolEnd(
                tool_call_id=result.tool_call_id,
                tool_name=result.tool_name,
                outcome=result.outcome,
                result=result.model_response_str()[:RESULT_LIMIT],
            )
        )

    def _tell_progress(self, event: CustomEvent) -> None:
        about = {"name", "tool_call_id", "tool_name", "event_kind"}
        data = {name: value for name, value in vars(event).items() if name not in about}
        self.log.append(
            Progress(
                name=event.name,
                tool_call_id=event.tool_call_id,
                tool_name=event.tool_name,
                data=to_jsonable_python(data, serialize_unknown=True),
            )
        )

    def _messages(self) -> list[ModelMessage]:
        """Return the messages of this turn so far, with what is being said or done right now."""
        messages = list(self._run.new_messages()) if self._run else []
        answered = bool(messages) and isinstance(messages[-1], ModelResponse)
        if self._speaking is not None and not answered:
            said = self._speaking()
            parts = [part for part in said.parts if not isinstance(part, ToolCallPart)]
            if parts:
                messages.append(replace(said, parts=parts, state="interrupted"))
        elif self._returned and answered:
            messages.append(ModelRequest(parts=list(self._returned), state="interrupted"))
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
                if not await self._transcript.save(self.database, self._messages()):
                    self.lose()
                    return
            except Exception:
                log.warning("run_not_stored_yet", exc_info=True)

    def _ending(self, status: RunStatus, output: Any = None) -> Ending:
        return Ending(
            status=status,
            reason=self.failure.code if self.failure else self._stopped_for,
            error=self.failure.message if self.failure else None,
            output=output,
            usage=self._run.usage if self._run else RunUsage(),
        )

    async def _close(self, ending: Ending) -> None:
        """Write the end of the turn, then say it; what is not written is not said."""
        messages = self._messages()
        if ending.status != "paused":
            messages = repair_messages(messages)
        if not await self._store(messages, ending):
            why = "it was taken for dead" if self._lost else "the database cannot be reached"
            self.failure = Unavailable(f"the end of the run could not be stored: {why}")
        for call_id, name in self._open_tools.items():
            cut = INTERRUPTED_TOOL_RETURN_CONTENT
            self._tell_end(ToolReturnPart(name, cut, call_id, outcome="interrupted"))
        self.log.append(self._closing(ending))

    async def _store(self, messages: list[ModelMessage], ending: Ending) -> bool:
        for attempt in range(_STORE_ATTEMPTS):
            if self._lost:
                return False
            try:
                self._lost = not await self._transcript.save(self.database, messages, ending)
                return not self._lost
            except Exception:
                log.error("run_not_stored", attempt=attempt + 1, exc_info=True)
                await asyncio.sleep(_FIRST_PAUSE_S * 4**attempt)
        return False

    def _closing(self, ending: Ending) -> ClosingEvent:
        run_id, said = self.begun.row.run_id, self._transcript.assistant_message_id
        output = to_jsonable_python(ending.output, serialize_unknown=True)
        if self.failure is not None:
            return Failed(
                run_id=run_id,
                assistant_message_id=said,
                code=self.failure.code,
                title=self.failure.title,
                detail=self.failure.message,
                retryable=self.failure.retryable,
            )
        if ending.status == "paused":
            return Paused(run_id=run_id, requests=output)
        return Done(
            run_id=run_id,
            status="completed" if ending.status == "completed" else "interrupted",
            reason=ending.reason,
            assistant_message_id=said,
            output=output,
            total_tokens=ending.usage.total_tokens,
        )
