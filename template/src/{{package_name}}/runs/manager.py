"""The runs of this process: begins them, keeps their leases, stops them, ends them at shutdown."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import structlog
from pydantic_ai import ConcurrencyLimiter
from pydantic_ai.exceptions import ConcurrencyLimitExceeded

from ..agents.definition import AgentDefinition, AgentRequest
from ..auth.caller import Caller
from ..core.errors import Unavailable
from ..core.orm import uuid7
from ..core.services import Services
from ..llm.settings import LlmSettings
from ..sessions.models import AgentRun
from ..sessions.settings import HistorySettings
from ..sessions.store import STOP_TOPIC
from . import store
from .settings import RunsSettings
from .turn import Turn
from .writer import RowWriter

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 0.2
_RENEWALS_PER_LEASE = 4


class TooManyRuns(Unavailable):
    """This process plays as many runs as it may."""

    code, title, headers = "too_many_runs", "Too many runs at once", {"Retry-After": "5"}


class RunManager:
    """Every run that this process plays. `owner_id` is new at each start of a process."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.settings = services.get(RunsSettings)
        self.owner_id = uuid7()
        self.writer = RowWriter(services.database, self.owner_id)
        self._turns: dict[UUID, Turn] = {}
        # Nobody waits: a client that sees nothing happen cannot tell it from a service that hangs.
        self._slots = ConcurrencyLimiter(self.settings.max_concurrent_tasks, max_queued=0)

    async def begin(
        self, caller: Caller, agent_name: str, definition: AgentDefinition, request: AgentRequest
    ) -> Turn:
        """Store the message and let the agent answer it, in a task of its own.

        Raises `Forbidden` for an agent that is not for the caller, `NotFound` for a session that is
        not the caller's, `RunInProgress` for a busy one, `TooManyRuns` when this process plays as
        many as it may.
        """
        caller.require(definition.scopes, f"agent {agent_name!r}")
        beginning = asyncio.create_task(self._begin(caller, agent_name, definition, request))
        try:
            return await asyncio.shield(beginning)
        except asyncio.CancelledError:  # the client left before it could be told
            beginning.add_done_callback(_leave)
            raise

    def find(self, caller: Caller, run_id: UUID) -> Turn | None:
        """The turn of the caller's run, if this process plays it."""
        turn = self._turns.get(run_id)
        return turn if turn is not None and turn.caller.id == caller.id else None

    def live(self) -> Counter[str]:
        """How many runs of each agent go on; any thread may ask."""
        return Counter(turn.row.agent_name for turn in list(self._turns.values()))

    def stop(self, run_id: UUID, reason: str = "stopped") -> None:
        """Stop the run if it is one of this process."""
        if turn := self._turns.get(run_id):
            turn.stop(reason)

    async def end(self) -> None:
        """Give the live runs their grace, then stop them; returns when all have ended."""
        tasks = [turn.task for turn in self._turns.values() if turn.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=self.settings.grace_s)
            for turn in self._turns.values():
                turn.stop("shutdown")
            await asyncio.wait(tasks)

    async def _begin(
        self, caller: Caller, agent_name: str, definition: AgentDefinition, request: AgentRequest
    ) -> Turn:
        try:
            await self._slots.acquire("runs")
        except ConcurrencyLimitExceeded as error:
            raise TooManyRuns(
                f"this process answers {self._slots.max_running} messages at once "
                f"(MAX_CONCURRENT_TASKS): try again in a moment"
            ) from error
        try:
            llm = self.services.get(LlmSettings)
            row = AgentRun(
                agent_name=agent_name,
                model=definition.model_id(llm.default_model),
                request=request.model_dump(mode="json", exclude={"message", "session_id"}),
                owner_id=self.owner_id,
                lease_until=store.lease_until(self.settings.lease_s),
            )
            bounds = self.services.get(HistorySettings).within(llm.context_window(row.model))
            begun = await store.begin(self.services.database, caller, row, request, bounds)
            turn = Turn(
                services=self.services,
                caller=caller,
                definition=definition,
                request=request,
                begun=begun,
                writer=self.writer,
            )
        except BaseException:
            self._slots.release()
            raise
        self._turns[turn.row.run_id] = turn
        turn.task = asyncio.create_task(self._play(turn))
        return turn

    async def _play(self, turn: Turn) -> None:
        row = turn.row
        about = {"agent_name": row.agent_name, "user_id": row.user_id}
        with structlog.contextvars.bound_contextvars(run_id=str(row.run_id), **about):
            try:
                await turn.play()
            finally:
                del self._turns[row.run_id]
                self._slots.release()
            log.info("run_ended", end=turn.log.closing and turn.log.closing.event)

    async def keep_leases(self) -> None:
        """Renew the leases of this process, again and again, and close those of dead ones."""
        while True:
            try:
                await self._renew()
                await self._sweep()
            except Exception:
                log.warning("leases_not_renewed", exc_info=True)
            await asyncio.sleep(self.settings.lease_s / _RENEWALS_PER_LEASE)

    async def _renew(self) -> None:
        """Renew the leases; runs that are no longer ours, or shall stop, end here."""
        before = dict(self._turns)
        if not before:
            return
        database, lease_s = self.services.database, self.settings.lease_s
        own = await store.renew(database, self.owner_id, before, lease_s)
        for run_id, turn in before.items():
            if own.get(run_id):
                turn.stop("stopped")
            elif run_id not in own and run_id in self._turns:
                turn.lose()

    async def _sweep(self) -> None:
        # What this process plays is not dead, however late it is with its renewals.
        others = AgentRun.run_id.not_in(self._turns)
        await self.services.database.work(lambda db: store.sweep(db, others))

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


def _leave(beginning: "asyncio.Task[Turn]") -> None:
    if not beginning.cancelled() and beginning.exception() is None:
        beginning.result().leave()


def _server_is_stopping() -> bool:
    """Whether uvicorn has had its signal; applications hear of it when all streams are closed."""
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return bool(getattr(server, "should_exit", False))


@asynccontextmanager
async def lifespan(services: Services) -> AsyncIterator[None]:
    """Provide the `RunManager`; at the end no run of this process is left."""
    manager = RunManager(services)
    services.provide(RunManager, manager)
    work = (
        manager.writer.keep_writing(),
        manager.keep_leases(),
        manager.listen(),
        manager.watch_server(),
    )
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        await manager.end()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
