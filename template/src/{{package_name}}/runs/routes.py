"""Runs over HTTP: ask an agent, stop it, look at runs and at what they came to."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import anyio
from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response
from pydantic import AwareDatetime, Field
from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette import EventSourceResponse

from ..agents.definition import AgentDefinition, AgentRequest, class_name
from ..agents.registry import AgentRegistry
from ..agents.routes import AgentName
from ..auth.caller import Caller, CurrentUser, limited
from ..core.conditions import POLLED, PolledDep
from ..core.errors import InvalidRequest, ModelError, ModelTimeout, NotFound
from ..core.orm import utc_now
from ..core.pages import CleanText, Page, PageBefore
from ..core.problems import OF_BODIES, OF_CALLERS, problems
from ..core.services import Services, ServicesDep
from ..llm.errors import ModelBusy, ModelNotConfigured
from ..sessions import store as sessions
from ..sessions.models import AgentRun, RunStatus
from .events import START, Position, stream_schema
from .manager import RunManager, TooManyRuns
from .replay import can_have_told, replay
from .schemas import (
    Answer,
    AnswerMetadata,
    RunView,
    StandardResponse,
    StopRequest,
    StopView,
    response_model,
)
from .stats import Stats, load_stats
from .store import RunInProgress
from .streams import stream_of, stream_of_rows
from .turn import LimitReached, Turn

Reply: TypeAlias = Response | StandardResponse[Answer]

_STREAM: dict[str, Any] = {"text/event-stream": {"itemSchema": stream_schema()}}
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": _STREAM, "description": "The events; the last is done, paused or error"}
}
_OF_RUNS = problems(
    *OF_CALLERS,
    NotFound,
    RunInProgress,
    *OF_BODIES,
    LimitReached,
    ModelError,
    TooManyRuns,
    ModelBusy,
    ModelNotConfigured,
    ModelTimeout,
)
_CLIENT_GONE = 499
_STATS_DAYS = 30


def build_router(services: Services) -> APIRouter:
    """Return the routes, with one for each agent so that OpenAPI shows what it is asked with."""
    router = APIRouter()
    registry = services.get(AgentRegistry)
    for name in registry:
        _add_run_route(router, registry, name)
    router.include_router(common)
    return router


def _add_run_route(router: APIRouter, registry: AgentRegistry, name: str) -> None:
    definition = registry[name]
    router.add_api_route(
        f"/agents/{name}/run",
        _run_endpoint(name, registry.bodies[name]),
        methods=["POST"],
        name=f"run_{name}".replace("-", "_"),
        tags=["agents"],
        dependencies=[Depends(limited("runs"))],
        summary=f"Ask {name}",
        description=definition.summary or "Ask this agent and get its answer.",
        response_model=None,
        responses=_OF_RUNS | {200: _describe_answer(name, definition)},
    )


def _describe_answer(name: str, definition: AgentDefinition) -> dict[str, Any]:
    return {
        "model": response_model(class_name(name), definition.output_type()),
        "content": _STREAM,
        "description": "The answer; with `stream` its events, which end with done, paused or error",
    }


def _run_endpoint(name: str, body_model: type[AgentRequest]) -> Callable[..., Awaitable[Reply]]:
    async def run(
        body: Annotated[AgentRequest, Body()],
        request: Request,
        caller: CurrentUser,
        services: ServicesDep,
    ) -> Reply:
        return await answer(name, body, request, caller, services)

    run.__annotations__["body"] = body_model
    return run


async def answer(
    name: str, asked: AgentRequest, request: Request, caller: Caller, services: Services
) -> Reply:
    """What an agent answers to `asked`, as it comes or when all of it is there."""
    definition = services.get(AgentRegistry)[name]
    turn = await services.get(RunManager).begin(caller, name, definition, asked)
    if asked.stream:
        return stream_of(turn, services)
    if await _closes_before_client_leaves(turn, request):
        return await _answer_of(turn, services)
    return Response(status_code=_CLIENT_GONE)


common = APIRouter(responses=problems(*OF_CALLERS))


@common.post("/agents/{name}/run", include_in_schema=False)
async def run_unknown(name: AgentName) -> None:
    """Never reached with a known name: `AgentName` answers that there is no such agent."""


@common.post("/agents/{name}/stop", tags=["agents"], responses=problems(NotFound, *OF_BODIES))
async def stop_run(
    name: AgentName, body: StopRequest, caller: CurrentUser, services: ServicesDep
) -> StopView:
    """Stop the answer that is being given in a session; what was said so far is kept."""
    async with services.database.transaction() as db:
        await sessions.get_session(db, caller, body.session_id, name)
        stopping = await sessions.request_stop(db, caller, body.session_id)
    for run_id in stopping:
        services.get(RunManager).stop(run_id)
        await services.bus.publish(sessions.STOP_TOPIC, str(run_id))
    return StopView(session_id=body.session_id, run_id=next(iter(stopping), None))


class _Runs(PageBefore):
    session_id: UUID | None = Field(None, description="Only those of this conversation.")
    agent: CleanText | None = Field(None, max_length=64, description="Only those of this agent.")
    status: RunStatus | None = Field(None, description="Only those with this status.")


@common.get("/runs", tags=["runs"])
async def list_runs(
    caller: CurrentUser, services: ServicesDep, page: Annotated[_Runs, Query()]
) -> Page[RunView]:
    """Your runs, newest first."""
    async with services.database.session() as db:
        found = await sessions.list_runs(
            db,
            caller,
            limit=page.limit + 1,
            session_id=page.session_id,
            agent_name=page.agent,
            status=page.status,
            before=page.before,
        )
    return Page.of(map(RunView.model_validate, found), page.limit, "run_id")


@common.get("/runs/{run_id}", tags=["runs"], responses=POLLED | problems(NotFound))
async def get_run(
    run_id: UUID, caller: CurrentUser, services: ServicesDep, polled: PolledDep
) -> RunView:
    """One of your runs: how it stands, or how it ended."""
    async with services.database.session() as db:
        run = await sessions.get_run(db, caller, run_id)
    return polled.answer(RunView.model_validate(run))


_Since = Annotated[
    AwareDatetime,
    Query(
        default_factory=lambda: utc_now() - timedelta(days=_STATS_DAYS),
        description=f"Count from this moment on, which names its offset from UTC (`Z` or, as `+` "
        f"is a space in a URL, `%2B01:00`); by default the last {_STATS_DAYS} days.",
        examples=["2026-11-01T00:00:00Z"],
    ),
]


@common.get("/stats", tags=["stats"])
async def get_stats(caller: CurrentUser, services: ServicesDep, since: _Since) -> Stats:
    """What you have used: conversations, messages, runs with tokens, cost and time, tools."""
    async with services.database.session() as db:
        return await load_stats(db, caller, since)


@common.get(
    "/runs/{run_id}/events",
    tags=["runs"],
    response_model=None,
    responses=_EVENTS | problems(NotFound, InvalidRequest),
)
async def follow_run(
    run_id: UUID,
    caller: CurrentUser,
    services: ServicesDep,
    last_event_id: Annotated[
        str | None,
        Header(
            description="The id of the last event you have: go on behind it. One that this run "
            "has not told is refused.",
            examples=["3.41"],
        ),
    ] = None,
) -> EventSourceResponse:
    """The events of one of your runs: those that were, then those that come."""
    after = Position.parse(last_event_id) if last_event_id else START
    turn = services.get(RunManager).find(caller, run_id)
    async with services.database.session() as db:
        run = await sessions.get_run(db, caller, run_id)
        if after != START and not await _can_have_told(db, caller, run, turn, after):
            raise InvalidRequest(
                f"run {str(run_id)!r} has told no event {last_event_id!r}: send the id of the last "
                f"one that you have, or none to be told all of it"
            )
    if turn is not None:
        return stream_of(turn, services, after)
    return stream_of_rows(run_id, caller, services, after)


async def _can_have_told(
    db: AsyncSession, caller: Caller, run: AgentRun, turn: Turn | None, position: Position
) -> bool:
    if turn is not None:
        return turn.log.has_told(position)
    told = replay(run, await sessions.messages_of_run(db, caller, run.run_id))
    return can_have_told(run, told, position)


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


async def _answer_of(turn: Turn, services: Services) -> StandardResponse[Answer]:
    """What a run that has ended said; raises what made it fail."""
    row = turn.row
    if turn.failure is not None:
        turn.failure.details.update(run_id=str(row.run_id), session_id=str(row.session_id))
        raise turn.failure
    async with services.database.session() as db:
        run = await sessions.get_run(db, turn.caller, row.run_id)
        content = await sessions.answer_of_run(db, turn.caller, row.run_id)
    view = RunView.model_validate(run)
    return StandardResponse(
        success=True,
        data=Answer(**view.model_dump(), content=content),
        metadata=AnswerMetadata(agent=row.agent_name, model=row.model, demo=turn.is_demo),
    )
