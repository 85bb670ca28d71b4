"""One turn: asks the agent, tells the log what happens, and keeps it in rows, whatever happens.

The message and the run are stored before this begins. While it goes on, the rows follow at short
intervals and with each tool result. However it ends, the rows are written first and the closing
event comes after them, so nobody is told of something that isn't so.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import structlog
from pydantic_ai import Agent, AgentRun, AgentRunResult, CancellationToken, DeferredToolRequests
from pydantic_ai.exceptions import RunCancelled, RunTimedOut, UsageLimitExceeded
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
from ..core.errors import AppError
from ..llm.errors import explain
from ..llm.models import Models
from ..sessions.transcript import arguments_of
from .errors import RunLimitReached, RunLost, RunNotStored, RunTooLong
from .events import (
    ClosingEvent,
    Delta,
    Done,
    Paused,
    Progress,
    Reasoning,
    ToolStart,
    failed,
    tool_end,
)
from .log import RunLog
from .settings import RunsSettings
from .store import BegunRun, Ending, Transcript

log = structlog.get_logger(__name__)

Run: TypeAlias = AgentRun[AgentDeps, Any]

_SAVE_ATTEMPTS = 4


@dataclass(kw_only=True)
class Turn:
    """A turn that is going on. `play` plays it to its end; `stop` ends it early."""

    definition: AgentDefinition
    request: AgentRequest
    deps: AgentDeps
    begun: BegunRun
    model_id: str
    models: Models
    database: Database
    settings: RunsSettings
    log: RunLog = field(default_factory=RunLog)
    stopped_for: str | None = None
    lost: bool = False
    _token: CancellationToken = field(default_factory=CancellationToken)
    _run: Run | None = None
    _said: Callable[[], ModelResponse] | None = None
    _returned: list[ToolReturnPart] = field(default_factory=list)
    _open_tools: dict[str, str] = field(default_factory=dict)
    _over: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _urgent: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._transcript = Transcript(self.begun)

    def stop(self, reason: str) -> None:
        """End the turn as interrupted; the first reason is the one that stays."""
        if self.stopped_for is None and self.log.closing is None:
            self.stopped_for = reason
            self._token.cancel()

    def lose(self) -> None:
        """End the turn without writing anything: the run belongs to another process now."""
        self.lost = True
        self.stop("lease_lost")

    async def play(self) -> None:
        """Play the turn to its end; a cancellation from outside only makes it an early one."""
        storing = asyncio.create_task(self._keep_stored())
        try:
            ending, failure = await self._answer()
        except asyncio.CancelledError:
            self.stopped_for = self.stopped_for or "cancelled"
            ending, failure = self._interrupted(), None
        self._over = True
        self._changed.set()
        self._urgent.set()
        await storing  # never cancelled: nobody would know whether its last commit took place
        await self._close(ending, failure)

    async def _answer(self) -> tuple[Ending, AppError | None]:
        """Let the agent answer and say how it ended; the border where every error is caught."""
        try:
            result = await self._converse()
        except RunTimedOut:
            limit = f"{self.settings.time_limit_s:g} s (RUNS__TIME_LIMIT_S)"
            return self._failed(RunTooLong(f"the run was stopped after {limit}"))
        except RunCancelled:
            return self._interrupted(), None
        except UsageLimitExceeded as error:
            return self._failed(RunLimitReached(str(error)))
        except Exception as error:
            known = explain(error, self.model_id)
            log.log(30 if known else 40, "run_failed", error=str(error), exc_info=not known)
            return self._failed(known or AppError("something unexpected went wrong"))
        if isinstance(result.output, DeferredToolRequests):
            return Ending(status="paused", output=result.output, usage=result.usage), None
        output = None if isinstance(result.output, str) else result.output
        return Ending(status="completed", output=output, usage=result.usage), None

    async def _converse(self) -> AgentRunResult[Any]:
        agent = self.definition.agent
        own_model = self.definition.model is None and not isinstance(agent.model, str | None)
        async with agent.iter(
            self.request.message,
            message_history=repair_messages(self.begun.history),
            deps=self.deps,
            model=None if own_model else await self.models.get(self.model_id),
            model_settings=self.request.model_settings(),
            cancellation_token=self._token,
            timeout=self.settings.time_limit_s,
            run_id=str(self.begun.run_id),
            conversation_id=str(self.begun.session_id),
        ) as run:
            self._run = run
            async for node in run:
                if Agent.is_model_request_node(node):
                    async with node.stream(run.ctx) as response:
                        self._said = lambda: response.response
                        async for event in response:
                            self._tell(event)
                elif Agent.is_call_tools_node(node):
                    self._said = None
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
                self._tell_call(call)
            case ToolResultEvent(part=result):
                self._returned.append(result)
                self._tell_result(result)
                self._urgent.set()
            case CustomEvent():
                self._tell_progress(event)
        self._changed.set()

    def _tell_text(self, kind: type[Delta] | type[Reasoning], text: str) -> None:
        if text:
            self.log.append(kind(text=text))

    def _tell_call(self, call: ToolCallPart) -> None:
        self._open_tools[call.tool_call_id] = call.tool_name
        self.log.append(
            ToolStart(
                tool_call_id=call.tool_call_id,
                tool_name=call.tool_name,
                arguments=arguments_of(call),
            )
        )

    def _tell_result(self, result: ToolReturnPart) -> None:
        self._open_tools.pop(result.tool_call_id, None)
        self.log.append(
            tool_end(
                result.tool_call_id, result.tool_name, result.outcome, result.model_response_str()
            )
        )

    def _tell_progress(self, event: CustomEvent) -> None:
        common = {"name", "tool_call_id", "tool_name", "event_kind"}
        data = {name: value for name, value in vars(event).items() if name not in common}
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
        if self._said is not None and not answered:
            said = self._said()
            parts = [part for part in said.parts if not isinstance(part, ToolCallPart)]
            if parts:
                messages.append(replace(said, parts=parts, state="interrupted"))
        elif self._returned and answered:
            messages.append(ModelRequest(parts=list(self._returned), state="interrupted"))
        return messages

    async def _keep_stored(self) -> None:
        """Store what has changed at short intervals, and tool results at once."""
        while not self._over:
            await self._changed.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._urgent.wait(), self.settings.store_every_s)
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

    def _interrupted(self) -> Ending:
        return Ending(
            status="interrupted", reason=self.stopped_for or "stopped", usage=self._usage()
        )

    def _failed(self, error: AppError) -> tuple[Ending, AppError]:
        ending = Ending(status="error", reason=error.code, error=error.message, usage=self._usage())
        return ending, error

    def _usage(self) -> RunUsage:
        return self._run.usage if self._run else RunUsage()

    async def _close(self, ending: Ending, failure: AppError | None) -> None:
        """Write the end of the turn, then say it; what is not written is not said."""
        messages = self._messages()
        if ending.status != "paused":
            messages = repair_messages(messages)
        if self.lost or not await self._store(messages, ending):
            failure = self._not_stored()
        self._tell_open_tools()
        self.log.append(self._closing(ending, failure))

    def _not_stored(self) -> AppError:
        if self.lost:
            return RunLost(
                "the run was taken for dead while this process was silent; it is interrupted"
            )
        return RunNotStored("the end of the run could not be stored: ask for the run again later")

    async def _store(self, messages: list[ModelMessage], ending: Ending) -> bool:
        for attempt in range(_SAVE_ATTEMPTS):
            try:
                stored = await self._transcript.save(self.database, messages, ending=ending)
                self.lost = not stored
                return stored
            except Exception:
                log.error("run_not_stored", attempt=attempt + 1, exc_info=True)
                await asyncio.sleep(0.1 * 4**attempt)
        return False

    def _tell_open_tools(self) -> None:
        for tool_call_id, tool_name in self._open_tools.items():
            self.log.append(
                tool_end(tool_call_id, tool_name, "interrupted", INTERRUPTED_TOOL_RETURN_CONTENT)
            )

    def _closing(self, ending: Ending, failure: AppError | None) -> ClosingEvent:
        if failure is not None:
            return failed(
                self.begun.run_id,
                failure.code,
                failure.message,
                self._transcript.assistant_message_id,
            )
        if ending.status == "paused":
            return Paused(
                run_id=self.begun.run_id,
                requests=to_jsonable_python(ending.output, serialize_unknown=True),
            )
        return Done(
            run_id=self.begun.run_id,
            status="completed" if ending.status == "completed" else "interrupted",
            reason=ending.reason,
            assistant_message_id=self._transcript.assistant_message_id,
            output=to_jsonable_python(ending.output, serialize_unknown=True),
            total_tokens=ending.usage.total_tokens,
        )
