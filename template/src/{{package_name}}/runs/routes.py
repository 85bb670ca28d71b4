"""Runs over HTTP: ask an agent, stop it, look at a run, follow its events."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Annotated, Any
from uuid import UUID

import anyio
from fastapi import APIRouter, Body, Header, Request, Response
from sse_starlette import EventSourceResponse

from ..agents.definition import AgentDefinition, AgentRequest
from ..agents.registry import AgentRegistry
from ..agents.routes import AgentName
from ..auth.caller import Caller, CallerDep
from ..core.errors import InvalidRequest
from ..core.problems import Problem
from ..core.services import Services, ServicesDep
from ..sessions import store as sessions
from ..sessions.models import AgentMessage
from .errors import error_of
from .events import START, Cursor, Failed
from .manager import LiveRun, RunManager
from .replay import replay
from .schemas import Answer, AnswerMetadata, RunView, StandardResponse, StopRequest, StopView
from .settings import RunsSettings

STREAM: dict[str, Any] = {"text/event-stream": {"schema": {"type": "string"}}}
RUN_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": StandardResponse[Answer],
        "content": STREAM,
        "description": "The answer, or with `stream` its events: see the ids of events on resuming",
    },
    409: {"model": Problem, "description": "The session is busy with another run"},
    502: {"model": Problem, "description": "The model failed"},
    503: {"model": Problem, "description": "The model is not configured, or busy"},
    504: {"model": Problem, "description": "The run took too long"},
}

_POLL_S = 0.5
_CLIENT_GONE = 499
_SHUTDOWN_MARGIN_S = 5.0


def build_router(services: Services) -> APIRouter:
    """Return the routes, with one for each agent so that OpenAPI shows what it is asked with."""
    router = APIRouter()
    for name, definition in services.get(AgentRegistry).items():
        router.add_api_route(
            f"/agents/{name}/run",
            _run_endpoint(name, definition),
            methods=["POST"],
            tags=["agents"],
            summary=f"Ask {name}",
            description=definition.summary or None,
            response_model=None,
            responses=RUN_RESPONSES,
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
        live = await services.get(RunManager).begin(caller, name, definition, body)
        if body.stream:
            return _stream(_frames(live), services, live)
        return await _answer(live, request, services, caller)

    run.__annotations__["body"] = definition.body_model(name)
    return run


common = APIRouter()


@common.post("/agents/{name}/run", include_in_schema=False)
async def run_unknown(name: AgentName) -> None:
    """Never reached with a known name: `AgentName` answers that there is no such agent."""


@common.post("/agents/{name}/stop", tags=["agents"])
async def stop(
    name: AgentName, body: StopRequest, caller: CallerDep, services: ServicesDep
) -> StopView:
    """Stop the answer that is being given in a session; what was said so far is kept."""
    async with services.database.transaction() as db:
        await sessions.get_session(db, caller, body.session_id, name)
        stopping = await sessions.request_stop(db, caller, body.session_id)
    for run_id in stopping:
        services.get(RunManager).stop(run_id)
        await services.bus.publish(sessions.STOP_TOPIC, str(run_id))
    stopped = stopping[0] if stopping else None
    return StopView(session_id=body.session_id, run_id=stopped, stopping=stopped is not None)


@common.get("/runs/{run_id}", tags=["runs"])
async def get_run(run_id: UUID, caller: CallerDep, services: ServicesDep) -> RunView:
    """One of your runs: how it stands, or how it ended."""
    async with services.database.session() as db:
        return RunView.of(await sessions.get_run(db, caller, run_id))


@common.get(
    "/runs/{run_id}/events",
    tags=["runs"],
    response_class=Response,
    responses={200: {"content": STREAM, "description": "The events"}},
)
async def follow_run(
    run_id: UUID,
    caller: CallerDep,
    services: ServicesDep,
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event you saw: go on behind it.")
    ] = None,
) -> EventSourceResponse:
    """The events of one of your runs: those that were, and then those that come."""
    after = _parse_cursor(last_event_id)
    async with services.database.session() as db:
        await sessions.get_run(db, caller, run_id)
    live = services.get(RunManager).get(run_id, caller)
    if live is not None:
        return _stream(_frames(live, after), services, live)
    return _stream(_frames_from_rows(run_id, after, services, caller), services)


def _parse_cursor(text: str | None) -> Cursor:
    try:
        return Cursor.parse(text) if text else START
    except ValueError as error:
        raise InvalidRequest(f"Last-Event-ID: {error}") from None


def _stream(
    frames: AsyncIterator[bytes], services: Services, live: LiveRun | None = None
) -> EventSourceResponse:
    settings = services.get(RunsSettings)

    async def leave(_message: Any) -> None:
        if live is not None:
            live.leave()

    return EventSourceResponse(
        frames,
        ping=settings.heartbeat_s,
        send_timeout=settings.send_timeout_s,
        sep="\n",
        client_close_handler_callable=leave,
        # The runs end by themselves when the server stops, and their streams with them.
        shutdown_event=anyio.Event(),
        shutdown_grace_period=settings.grace_s + _SHUTDOWN_MARGIN_S,
    )


async def _frames(live: LiveRun, after: Cursor = START) -> AsyncIterator[bytes]:
    async with live.reading() as log:
        async for entry in log.follow(after):
            yield entry.frame


async def _frames_from_rows(
    run_id: UUID, after: Cursor, services: Services, caller: Caller
) -> AsyncIterator[bytes]:
    """Follow a run that has ended long ago, or that another process plays."""
    while True:
        async with services.database.session() as db:
            run = await sessions.get_run(db, caller, run_id)
            log = replay(run, await sessions.messages_of_run(db, caller, run_id))
        if log.closing is not None:
            async for entry in log.follow(after):
                yield entry.frame
            return
        for entry in log.so_far(after):
            after = entry.at
            yield entry.frame
        await asyncio.sleep(_POLL_S)


async def _answer(
    live: LiveRun, request: Request, services: Services, caller: Caller
) -> Response | StandardResponse[Answer]:
    """Wait for the end of a run and return what it said; raises what made it fail."""
    async with live.reading() as log:
        if not await _closes_before_client_leaves(live, request):
            return Response(status_code=_CLIENT_GONE)
    if isinstance(log.closing, Failed):
        facts = {"run_id": str(live.run_id), "session_id": str(live.turn.begun.session_id)}
        raise error_of(log.closing.code)(log.closing.detail, details=facts)
    async with services.database.session() as db:
        run = await sessions.get_run(db, caller, live.run_id)
        said = (
            await db.get(AgentMessage, run.assistant_message_id)
            if run.assistant_message_id
            else None
        )
    view = RunView.of(run)
    return StandardResponse(
        success=True,
        data=Answer(**view.model_dump(), content=said.content if said else ""),
        metadata=AnswerMetadata(agent=view.agent, model=view.model, demo=view.demo),
    )


async def _closes_before_client_leaves(live: LiveRun, request: Request) -> bool:
    closed = asyncio.ensure_future(live.log.closed())
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({closed, gone}, return_when=asyncio.FIRST_COMPLETED)
        return closed.done()
    finally:
        for task in (closed, gone):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
