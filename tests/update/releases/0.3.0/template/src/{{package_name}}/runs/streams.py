"""The events of a run on their way to a client, as server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import anyio
import structlog
from sse_starlette import EventSourceResponse
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

from ..auth.caller import Caller
from ..core.services import Services
from ..sessions import store as sessions
from .event_log import FellBehind
from .events import START, Position
from .replay import can_have_told, replay
from .settings import RunsSettings
from .turn import Turn

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 0.5
_SHUTDOWN_MARGIN_S = 5.0


def stream_of(turn: Turn, services: Services, after: Position = START) -> EventSourceResponse:
    """The events of a turn of this process behind a position, as they come."""

    async def frames() -> AsyncIterator[bytes]:
        at = after
        async with turn.reading() as events:
            try:
                async for entry in events.follow(at):
                    yield entry.frame
                    at = entry.at
            except FellBehind:
                async for frame in _frames_of_rows(turn.run_id, at, turn.caller, services):
                    yield frame

    return _EventStream(frames(), services.get(RunsSettings), turn.leave)


def stream_of_rows(
    run_id: UUID, caller: Caller, services: Services, after: Position = START
) -> EventSourceResponse:
    """The events of a run that has ended, or is another process's, as far as its rows tell it."""
    frames = _frames_of_rows(run_id, after, caller, services)
    return _EventStream(frames, services.get(RunsSettings))


async def _frames_of_rows(
    run_id: UUID, after: Position, caller: Caller, services: Services
) -> AsyncIterator[bytes]:
    while True:
        async with services.database.session() as db:
            run = await sessions.get_run(db, caller, run_id)
            told = replay(run, await sessions.messages_of_run(db, caller, run_id))
        if not can_have_told(run, told, after):
            after = START  # nobody was ever there: rather all of it than too little
        for entry in told.behind(after):
            yield entry.frame
            after = entry.at
        if told.closing is not None:
            return
        await asyncio.sleep(_LOOK_EVERY_S)


class _EventStream(EventSourceResponse):
    """Frames as server-sent events, with a comment now and then while there are none."""

    def __init__(
        self,
        frames: AsyncIterator[bytes],
        settings: RunsSettings,
        leave: Callable[[], None] | None = None,
    ) -> None:
        async def on_close(_message: Any) -> None:
            if leave is not None:
                leave()

        super().__init__(
            frames,
            ping=settings.heartbeat_s,
            send_timeout=settings.send_timeout_s,
            sep="\n",
            client_close_handler_callable=on_close,
            # The runs end by themselves when the server stops, and their streams with them.
            shutdown_event=anyio.Event(),
            shutdown_grace_period=settings.grace_s + _SHUTDOWN_MARGIN_S,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them; a client that takes nothing is cut off, for the server closes what is open."""
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            log.warning("client_cut_off", send_timeout_s=self.send_timeout)
