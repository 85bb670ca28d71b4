"""The runs of this process: begins them, keeps their leases, stops them, ends them at shutdown."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from ..agents.definition import AgentDefinition, AgentDeps, AgentRequest
from ..auth.caller import Caller
from ..core.orm import uuid7
from ..core.services import Services
from ..llm.models import Models
from ..sessions.store import STOP_TOPIC
from . import store
from .log import RunLog
from .replay import meta
from .settings import RunsSettings
from .turn import Turn

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 0.2


@dataclass(kw_only=True, eq=False)
class LiveRun:
    """A run of this process, from its begin until its log is forgotten."""

    turn: Turn
    caller: Caller
    agent_name: str
    stop_when_left: bool
    task: asyncio.Task[None] | None = None
    readers: int = 0

    @property
    def run_id(self) -> UUID:
        """Its id."""
        return self.turn.begun.run_id

    @property
    def log(self) -> RunLog:
        """Its events."""
        return self.turn.log

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[RunLog]:
        """The log for one client; when the last one leaves early, the run may end."""
        self.readers += 1
        try:
            yield self.log
        finally:
            self.readers -= 1
            self.leave()

    def leave(self) -> None:
        """Stop the run if nobody is reading and it was asked for as long as somebody does."""
        if self.stop_when_left and self.readers == 0:
            self.turn.stop("client_gone")


@dataclass
class RunManager:
    """Every run that this process plays. `owner_id` is new at each start of a process."""

    services: Services
    settings: RunsSettings
    models: Models
    owner_id: UUID = field(default_factory=uuid7)
    _runs: dict[UUID, LiveRun] = field(default_factory=dict)
    _beginning: set[asyncio.Task[Any]] = field(default_factory=set)
    _ending: asyncio.Event = field(default_factory=asyncio.Event)

    async def begin(
        self, caller: Caller, agent_name: str, definition: AgentDefinition, request: AgentRequest
    ) -> LiveRun:
        """Store the message and let the agent answer it, in a task of its own.

        Raises `NotFound` for a session that is not the caller's, `RunInProgress` for a busy one.
        """
        beginning = asyncio.create_task(self._begin(caller, agent_name, definition, request))
        self._beginning.add(beginning)
        beginning.add_done_callback(self._beginning.discard)
        try:
            return await asyncio.shield(beginning)
        except asyncio.CancelledError:  # the client left before it could be told
            beginning.add_done_callback(_leave)
            raise

    def get(self, run_id: UUID, caller: Caller) -> LiveRun | None:
        """Return the caller's run if this process has its log."""
        run = self._runs.get(run_id)
        return run if run is not None and run.caller == caller else None

    def stop(self, run_id: UUID, reason: str = "stopped") -> None:
        """Stop the run if it is one of this process."""
        if run := self._runs.get(run_id):
            run.turn.stop(reason)

    @property
    def live(self) -> list[LiveRun]:
        """The runs that have not ended."""
        return [run for run in self._runs.values() if run.log.closing is None]

    async def end(self) -> None:
        """Give the live runs their grace, then stop them; returns when all have ended."""
        self._ending.set()
        tasks = [run.task for run in self.live if run.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=self.settings.grace_s)
        for run in self.live:
            run.turn.stop("shutdown")
        if tasks:
            await asyncio.wait(tasks)

    async def _begin(
        self, caller: Caller, agent_name: str, definition: AgentDefinition, request: AgentRequest
    ) -> LiveRun:
        model_id = definition.model_id(self.models.default_id)
        begun = await store.begin(
            self.services.database,
            store.NewRun(
                caller=caller,
                agent_name=agent_name,
                model=model_id,
                message=request.message,
                session_id=request.session_id,
                request=request.model_dump(mode="json", exclude={"message", "session_id"}),
                owner_id=self.owner_id,
                lease_s=self.settings.lease_s,
            ),
        )
        deps = AgentDeps(
            caller=caller,
            session_id=begun.session_id,
            run_id=begun.run_id,
            context=definition.context_of(request),
            request=request,
            services=self.services,
        )
        turn = Turn(
            definition=definition,
            request=request,
            deps=deps,
            begun=begun,
            model_id=model_id,
            models=self.models,
            database=self.services.database,
            settings=self.settings,
        )
        turn.log.append(meta(begun.row))
        live = LiveRun(
            turn=turn,
            caller=caller,
            agent_name=agent_name,
            stop_when_left=request.on_disconnect == "cancel",
        )
        self._runs[begun.run_id] = live
        live.task = asyncio.create_task(self._play(live), name=f"run {begun.run_id}")
        return live

    async def _play(self, live: LiveRun) -> None:
        with structlog.contextvars.bound_contextvars(
            run_id=str(live.run_id), agent_name=live.agent_name, user_id=live.caller.id
        ):
            await live.turn.play()
            closing = live.log.closing
            log.info(
                "run_ended", end=closing.event if closing else None, reason=live.turn.stopped_for
            )
        asyncio.get_running_loop().call_later(
            self.settings.keep_log_s, self._runs.pop, live.run_id, None
        )

    async def keep_leases(self) -> None:
        """Renew the leases of this process, again and again, and close those of dead ones."""
        while True:
            try:
                await store.sweep(self.services.database)
                await self._renew()
            except Exception:
                log.warning("leases_not_renewed", exc_info=True)
            await asyncio.sleep(self.settings.renew_every_s)

    async def _renew(self) -> None:
        """Renew the leases; runs that are no longer ours, or shall stop, end here."""
        before = self.live
        if not before:
            return
        own = await store.renew(self.services.database, self.owner_id, self.settings.lease_s)
        for run in before:
            if run.log.closing is not None:
                continue
            if run.run_id not in own:
                run.turn.lose()
            elif own[run.run_id]:
                run.turn.stop("stopped")

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
    if beginning.cancelled() or beginning.exception() is not None:
        return
    beginning.result().leave()


def _server_is_stopping() -> bool:
    """Whether uvicorn has had its signal; applications hear of it when all streams are closed."""
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return bool(getattr(server, "should_exit", False))


@asynccontextmanager
async def lifespan(services: Services) -> AsyncIterator[None]:
    """Provide the `RunManager`; at the end no run of this process is left."""
    manager = RunManager(services, services.get(RunsSettings), services.get(Models))
    services.provide(RunManager, manager)
    await store.sweep(services.database)
    tasks = [
        asyncio.create_task(work)
        for work in (manager.keep_leases(), manager.listen(), manager.watch_server())
    ]
    try:
        yield
    finally:
        await manager.end()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
