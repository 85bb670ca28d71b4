"""Conversations over HTTP: list, read, delete. Runs begin them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from ..auth.caller import Caller, CallerDep
from ..core.services import Services, ServicesDep
from . import store
from .schemas import MessageView, Page, SessionView

router = APIRouter(prefix="/sessions", tags=["sessions"])


class _Page(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(100, ge=1, le=200, description="How many at most.")


class _SessionsPage(_Page):
    before: UUID | None = Field(None, description="`next` of the page before.")


class _MessagesPage(_Page):
    after: int = Field(-1, ge=-1, lt=2**31, description="`next` of the page before.")


SessionsPage = Annotated[_SessionsPage, Query()]
MessagesPage = Annotated[_MessagesPage, Query()]


@router.get("")
async def list_sessions(
    caller: CallerDep, services: ServicesDep, page: SessionsPage
) -> Page[SessionView]:
    """Your conversations, newest first."""
    return await page_of_sessions(caller, services, page)


async def page_of_sessions(
    caller: Caller, services: Services, page: SessionsPage, agent_name: str | None = None
) -> Page[SessionView]:
    """Some of the caller's conversations, with one agent or with all."""
    async with services.database.session() as db:
        found = await store.list_sessions(
            db, caller, limit=page.limit + 1, agent_name=agent_name, before=page.before
        )
    return Page.of(map(SessionView.model_validate, found), page.limit, "session_id")


@router.get("/{session_id}")
async def get_session(session_id: UUID, caller: CallerDep, services: ServicesDep) -> SessionView:
    """One of your conversations."""
    async with services.database.session() as db:
        return SessionView.model_validate(await store.get_session(db, caller, session_id))


@router.get("/{session_id}/messages")
async def list_messages(
    session_id: UUID, caller: CallerDep, services: ServicesDep, page: MessagesPage
) -> Page[MessageView]:
    """What was said in one of your conversations, in order."""
    async with services.database.session() as db:
        found = await store.list_messages(
            db, caller, session_id, limit=page.limit + 1, after=page.after
        )
    return Page.of(map(MessageView.model_validate, found), page.limit, "position")


@router.delete("/{session_id}", status_code=204)
async def delete_session(session_id: UUID, caller: CallerDep, services: ServicesDep) -> None:
    """Delete one of your conversations; an answer that is being given in it is stopped."""
    async with services.database.transaction() as db:
        stopped = await store.delete_session(db, caller, session_id)
    for run_id in stopped:
        await services.bus.publish(store.STOP_TOPIC, str(run_id))
