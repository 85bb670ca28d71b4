"""The runs of this process: begins them, keeps their leases, stops them, ends them at shutdown."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from ..agents.definition import AgentDefinition, AgentDeps, AgentRequest
from ..auth.caller import Caller
from ..core.orm import uuid7
from ..core.services import Services
from ..llm.models import DEMO, Models
from ..llm.settings import LlmSettings
from ..sessions.models import AgentRun
from ..sessions.store import STOP_TOPIC
from . import store
from .events import Meta
from .log import RunLog
from .settings import RunsSettings
from .turn import Turn

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 0.2
_RENEWALS_PER_LEASE = 4


@dataclass(kw_only=True, eq=False)
class LiveRun:
    """A run that this process plays."""

    turn: Turn
    stop_when_left: bool
    task: asyncio.Task[None] | None = None
    _readers: int = 0

    @property
    def row(self) -> AgentRun:
        """The run's row as it was at the beginning."""
        return self.turn.begun.row

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[RunLog]:
        """The log for one client; when the last one leaves early, the run may end."""
        self._readers += 1
        try:
            yield self.turn.log
        finally:
            self._readers -= 1
            self.leave()

    def leave(self) -> None:
        """Stop the run if nobody is reading and it was asked for as long as somebody does."""
        if self.stop_when_left and self._readers == 0:
            self.turn.stop("client_gone")


@dataclass
class RunManager:
    """Every run that this process plays. `owner_id` is new at each start of a process."""

    services: Services
    settings: RunsSettings
    owner_id: UUID = field(default_factory=uuid7)
    _runs: dict[UUID, LiveRun] = field(default_factory=dict)

    async def begin(
        self, caller: Caller, agent_name: str, definition: AgentDefinition, request: AgentRequest
    ) -> LiveRun:
        """Store the message and let the agent answer it, in a task of its own.

        Raises `NotFound` for a session that is not the caller's, `RunInProgress` for a busy one.
        """
        beginning = asyncio.create_task(self._begin(caller, agent_name, definition, request))
        try:
            return await asyncio.shield(beginning)
        except asyncio.CancelledError:  # the client left before it could be told
            beginning.add_done_callback(_leave)
            raise

    def stop(self, run_id: UUID, reason: str = "stopped") -> None:
        """Stop the run if it is one of this process."""
        if live := self._runs.get(run_id):
            live.turn.stop(reason)

    async def end(self) -> None:
        """Give the live runs their grace, then stop them; returns when all have ended."""
        tasks = [live.task for live in self._runs.values() if live.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=self.settings.grace_s)
            for live in self._runs.values():
                live.turn.stop("shutdown")
            await asyncio.wait(tasks)

    async def _begin(
        self, caller: Caller, agent_name: str, definition: AgentDefinition, request: AgentRequest
    ) -> LiveRun:
        row = AgentRun(
            agent_name=agent_name,
            model=definition.model_id(self.services.get(LlmSettings).default_model),
            request=request.model_dump(mode="json", exclude={"message", "session_id"}),
            owner_id=self.owner_id,
            lease_until=store.lease_until(self.settings.lease_s),
        )
        database = self.services.database
        begun = await store.begin(database, caller, row, request.message, request.session_id)
        deps = AgentDeps(
            caller=caller,
            session_id=row.session_id,
            run_id=row.run_id,
            context=definition.context_of(request),
            request=request,
            services=self.services,
        )
        turn = Turn(
            definition=definition,
            request=request,
            deps=deps,
            begun=begun,
            models=self.services.get(Models),
            database=database,
            settings=self.settings,
        )
        turn.log.append(
            Meta(
                run_id=row.run_id,
                session_id=row.session_id,
                agent=agent_name,
                model=row.model,
                demo=row.model == DEMO,
                user_message_id=begun.user_message_id,
                started_at=row.started_at,
            )
        )
        live = LiveRun(turn=turn, stop_when_left=request.on_disconnect == "cancel")
        self._runs[row.run_id] = live
        live.task = asyncio.create_task(self._play(live))
        return live

    async def _play(self, live: LiveRun) -> None:
        row = live.row
        with structlog.contextvars.bound_contextvars(
            run_id=str(row.run_id), agent_name=row.agent_name, user_id=row.user_id
        ):
            try:
                await live.turn.play()
            finally:
                del self._runs[row.run_id]
            closing = live.turn.log.closing
            log.info("run_ended", end=closing.event if closing else None)

    async def keep_leases(self) -> None:
        """Renew the leases of this process, again and again, and close those of dead ones."""
        while True:
            try:
                async with self.services.database.transaction() as db:
                    await store.sweep(db)
                await self._renew()
            except Exception:
                log.warning("leases_not_renewed", exc_info=True)
            await asyncio.sleep(self.settings.lease_s / _RENEWALS_PER_LEASE)

    async def _renew(self) -> None:
        """Renew the leases; runs that are no longer ours, or shall stop, end here."""
        before = dict(self._runs)
        if not before:
            return
        own = await store.renew(self.services.database, self.owner_id, self.settings.lease_s)
        for run_id, live in before.items():
            if own.get(run_id):
                live.turn.stop("stopped")
            elif run_id not in own and run_id in self._runs:
                live.turn.lose()

    async def listen(self) -> None:
        """Stop the runs that somebody, in whichever process, wants stopped."""
        async with self.services.bus.subscribe(STOP_TOPIC) as messages:
            async for payload in messages:
                with suppress(ValueError):
                    self.stop(UUID(payload))

    async def watch_server(self) -> None:
        """Begin the end as soon as the server is told to stop, for it waits for open streams."""
        while not _server_is_stopping():  # noqa: ASYNC110 - the server has no event to wait for
            await asyncio.sleep(_LOOK_EVERY_S)
        await self.end()


def _leave(beginning: "asyncio.Task[LiveRun]") -> None:
    if not beginning.cancelled() and beginning.exception() is None:
        beginning.result().leave()


def _server_is_stopping() -> bool:
    """Whether uvicorn has had its signal; applications hear of it when all streams are closed."""
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return bool(getattr(server, "should_exit", False))


@asynccontextmanager
async def lifespan(services: Services) -> AsyncIterator[None]:
    """Provide the `RunManager`; at the end no run of this process is left."""
    manager = RunManager(services, services.get(RunsSettings))
    services.provide(RunManager, manager)
    work = (manager.keep_leases(), manager.listen(), manager.watch_server())
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        await manager.end()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
