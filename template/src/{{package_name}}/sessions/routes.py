"""Conversations over HTTP: list, read, change, delete. Runs begin them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import Field

from ..auth.caller import Caller, CurrentUser
from ..core.conditions import POLLED, IfMatch, PolledDep
from ..core.errors import NotFound, PreconditionFailed
from ..core.pages import CleanText, Page, PageBefore, PageRequest
from ..core.problems import OF_BODIES, OF_CALLERS, problems
from ..core.services import Services, ServicesDep
from . import store
from .schemas import MessageView, SessionPatch, SessionView

router = APIRouter(prefix="/sessions", tags=["sessions"], responses=problems(*OF_CALLERS))


class _Sessions(PageBefore):
    agent: CleanText | None = Field(None, max_length=64, description="Only those with this agent.")


class _Messages(PageRequest):
    after: int = Field(-1, ge=-1, lt=2**31, description="`next` of the page before.")


SessionsPage = Annotated[PageBefore, Query()]
MessagesPage = Annotated[_Messages, Query()]


@router.get("")
async def list_sessions(
    caller: CurrentUser, services: ServicesDep, page: Annotated[_Sessions, Query()]
) -> Page[SessionView]:
    """Your conversations, newest first."""
    return await page_of_sessions(caller, services, page, page.agent)


async def page_of_sessions(
    caller: Caller, services: Services, page: PageBefore, agent_name: str | None
) -> Page[SessionView]:
    """Some of the caller's conversations, with one agent or with all."""
    async with services.database.session() as db:
        found = await store.list_sessions(
            db, caller, limit=page.limit + 1, agent_name=agent_name, before=page.before
        )
    return Page.of(map(SessionView.model_validate, found), page.limit, "session_id")


@router.get("/{session_id}", responses=POLLED | problems(NotFound))
async def get_session(
    session_id: UUID, caller: CurrentUser, services: ServicesDep, polled: PolledDep
) -> SessionView:
    """One of your conversations."""
    async with services.database.session() as db:
        session = await store.get_session(db, caller, session_id)
    return polled.answer(SessionView.model_validate(session))


@router.get("/{session_id}/messages", responses=POLLED | problems(NotFound))
async def list_messages(
    session_id: UUID,
    caller: CurrentUser,
    services: ServicesDep,
    page: MessagesPage,
    polled: PolledDep,
) -> Page[MessageView]:
    """What was said in one of your conversations, in order."""
    return polled.answer(await page_of_messages(caller, services, page, session_id))


async def page_of_messages(
    caller: Caller, services: Services, page: _Messages, session_id: UUID
) -> Page[MessageView]:
    """Some of what was said in one of the caller's conversations."""
    async with services.database.session() as db:
        found = await store.list_messages(
            db, caller, session_id, limit=page.limit + 1, after=page.after
        )
    return Page.of(map(MessageView.model_validate, found), page.limit, "position")


@router.patch("/{session_id}", responses=problems(NotFound, PreconditionFailed, *OF_BODIES))
async def change_session(
    session_id: UUID,
    patch: Annotated[SessionPatch, Body(media_type="application/merge-patch+json")],
    caller: CurrentUser,
    services: ServicesDep,
    if_match: IfMatch = None,
) -> SessionView:
    """Change one of your conversations by a JSON merge patch (RFC 7396).

    Null takes a value away, what is left out stays as it is, objects are merged.
    """
    async with services.database.transaction() as db:
        session = await store.change_session(db, caller, session_id, patch, if_match)
        return SessionView.model_validate(session)


@router.delete("/{session_id}", status_code=204, responses=problems(NotFound))
async def delete_session(session_id: UUID, caller: CurrentUser, services: ServicesDep) -> None:
    """Delete one of your conversations; an answer that is being given in it is stopped."""
    async with services.database.transaction() as db:
        stopped = await store.delete_session(db, caller, session_id)
    for run_id in stopped:
        await services.bus.publish(store.STOP_TOPIC, str(run_id))
