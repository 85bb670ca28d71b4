"""Conversations over HTTP: list, read, delete. Runs begin them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from ..auth.caller import CallerDep
from ..core.services import ServicesDep
from . import store
from .schemas import CleanText, Limit, MessageView, Page, SessionView

router = APIRouter(prefix="/sessions", tags=["sessions"])


@router.get("")
async def list_sessions(
    caller: CallerDep,
    services: ServicesDep,
    agent: Annotated[CleanText | None, Query(max_length=64, description="Of this agent.")] = None,
    before: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[SessionView]:
    """Your conversations, newest first."""
    async with services.database.session() as db:
        found = await store.list_sessions(
            db, caller, limit=limit + 1, agent_name=agent, before=before
        )
    views = [SessionView.of(session) for session in found]
    return Page.of(views, limit, lambda view: view.session_id)


@router.get("/{session_id}")
async def get_session(session_id: UUID, caller: CallerDep, services: ServicesDep) -> SessionView:
    """One of your conversations."""
    async with services.database.session() as db:
        return SessionView.of(await store.get_session(db, caller, session_id))


@router.get("/{session_id}/messages")
async def list_messages(
    session_id: UUID,
    caller: CallerDep,
    services: ServicesDep,
    after: Annotated[int, Query(ge=-1, lt=2**31, description="`next` of the page before.")] = -1,
    limit: Annotated[Limit, Query()] = 100,
) -> Page[MessageView]:
    """What was said in one of your conversations, in order."""
    async with services.database.session() as db:
        found = await store.list_messages(db, caller, session_id, limit=limit + 1, after=after)
    views = [MessageView.of(message) for message in found]
    return Page.of(views, limit, lambda view: view.position)


@router.delete("/{session_id}", status_code=204)
async def delete_session(session_id: UUID, caller: CallerDep, services: ServicesDep) -> None:
    """Delete one of your conversations; an answer that is being given in it is stopped."""
    async with services.database.transaction() as db:
        stopped = await store.delete_session(db, caller, session_id)
    for run_id in stopped:
        await services.bus.publish(store.STOP_TOPIC, str(run_id))
