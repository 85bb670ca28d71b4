"""Runs over HTTP: ask an agent, stop it, look at a run."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import anyio
import structlog
from fastapi import APIRouter, Body, Header, Request, Response
from sse_starlette import EventSourceResponse
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

from ..agents.definition import AgentDefinition, AgentRequest
from ..agents.registry import AgentRegistry
from ..agents.routes import AgentName
from ..auth.caller import Caller, CallerDep
from ..core.services import Services, ServicesDep
from ..sessions import store as sessions
from ..sessions.models import AgentMessage
from .event_log import FellBehind
from .events import START, Position, stream_schema
from .manager import RunManager
from .replay import replay
from .schemas import Answer, AnswerMetadata, RunView, StandardResponse, StopRequest, StopView
from .settings import RunsSettings
from .turn import Turn

log = structlog.get_logger(__name__)

STREAM: dict[str, Any] = {"text/event-stream": {"itemSchema": stream_schema()}}
EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": STREAM, "description": "The events; the last is done, paused or error"}
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": StandardResponse[Answer],
        "content": STREAM,
        "description": "The answer; with `stream` its events, which end with done, paused or error",
    }
}

_CLIENT_GONE = 499
_LOOK_EVERY_S = 0.5
_SHUTDOWN_MARGIN_S = 5.0


def build_router(services: Services) -> APIRouter:
    """Return the routes, with one for each agent so that OpenAPI shows what it is asked with."""
    router = APIRouter()
    for name, definition in services.get(AgentRegistry).items():
        router.add_api_route(
            f"/agents/{name}/run",
            _run_endpoint(name, definition),
            methods=["POST"],
            name=f"run_{name}".replace("-", "_"),
            tags=["agents"],
            summary=f"Ask {name}",
            description=definition.summary,
            response_model=None,
            responses=RESPONSES,
        )
    router.include_router(common)
    return router


def _run_endpoint(
    name: str, definition: AgentDefinition
) -> Callable[..., Awaitable[Response | StandardResponse[Answer]]]:
    async def run(
        body: Annotated[AgentRequest, Body()],
        request: Request,
        caller: CallerDep,
        services: ServicesDep,
    ) -> Response | StandardResponse[Answer]:
        turn = await services.get(RunManager).begin(caller, name, definition, body)
        if body.stream:
            return _stream(turn, services)
        if await _closes_before_client_leaves(turn, request):
            return await _answer(turn, services)
        return Response(status_code=_CLIENT_GONE)

    run.__annotations__["body"] = definition.body_model(name)
    return run


common = APIRouter()


@common.post("/agents/{name}/run", include_in_schema=False)
async def run_unknown(name: AgentName) -> None:
    """Never reached with a known name: `AgentName` answers that there is no such agent."""


@common.post("/agents/{name}/stop", tags=["agents"])
async def stop_run(
    name: AgentName, body: StopRequest, caller: CallerDep, services: ServicesDep
) -> StopView:
    """Stop the answer that is being given in a session; what was said so far is kept."""
    async with services.database.transaction() as db:
        await sessions.get_session(db, caller, body.session_id, name)
        stopping = await sessions.request_stop(db, caller, body.session_id)
    for run_id in stopping:
        services.get(RunManager).stop(run_id)
        await services.bus.publish(sessions.STOP_TOPIC, str(run_id))
    return StopView(session_id=body.session_id, run_id=next(iter(stopping), None))


@common.get("/runs/{run_id}", tags=["runs"])
async def get_run(run_id: UUID, caller: CallerDep, services: ServicesDep) -> RunView:
    """One of your runs: how it stands, or how it ended."""
    async with services.database.session() as db:
        return RunView.model_validate(await sessions.get_run(db, caller, run_id))


@common.get("/runs/{run_id}/events", tags=["runs"], responses=EVENTS, response_model=None)
async def follow_run(
    run_id: UUID,
    caller: CallerDep,
    services: ServicesDep,
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event you have: go on behind it.")
    ] = None,
) -> EventSourceResponse:
    """The events of one of your runs: those that were, then those that come."""
    after = Position.parse(last_event_id) if last_event_id else START
    async with services.database.session() as db:
        await sessions.get_run(db, caller, run_id)
    if turn := services.get(RunManager).find(run_id):
        return _stream(turn, services, after)
    frames = _frames_of_rows(run_id, after, caller, services)
    return _EventStream(frames, services.get(RunsSettings))


def _stream(turn: Turn, services: Services, after: Position = START) -> EventSourceResponse:
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


async def _frames_of_rows(
    run_id: UUID, after: Position, caller: Caller, services: Services
) -> AsyncIterator[bytes]:
    """Follow a run as far as its rows tell it: one that has ended, or is another process's."""
    while True:
        async with services.database.session() as db:
            run = await sessions.get_run(db, caller, run_id)
            told = replay(run, await sessions.messages_of_run(db, caller, run_id))
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


async def _closes_before_client_leaves(turn: Turn, request: Request) -> bool:
    async def watch_client() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        tasks.cancel_scope.cancel()

    async with turn.reading() as log, anyio.create_task_group() as tasks:
        tasks.start_soon(watch_client)
        await log.closed()
        tasks.cancel_scope.cancel()
    return turn.log.closing is not None


async def _answer(turn: Turn, services: Services) -> StandardResponse[Answer]:
    """What a run that has ended said; raises what made it fail."""
    row = turn.row
    if turn.failure is not None:
        turn.failure.details.update(run_id=str(row.run_id), session_id=str(row.session_id))
        raise turn.failure
    async with services.database.session() as db:
        run = await sessions.get_run(db, turn.caller, row.run_id)
        message_id = run.assistant_message_id
        said = await db.get(AgentMessage, message_id) if message_id else None
    view, content = RunView.model_validate(run), said.content if said else ""
    return StandardResponse(
        success=True,
        data=Answer(**view.model_dump(), content=content),
        metadata=AnswerMetadata(agent=row.agent_name, model=row.model, demo=turn.is_demo),
    )
