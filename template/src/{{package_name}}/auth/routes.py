"""Who you are, and, for superusers, who there is and what was done to them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import select

from ..core.errors import Conflict, NotFound
from ..core.pages import CleanText, Page, PageBefore
from ..core.problems import OF_BODIES, OF_CALLERS, problems
from ..core.services import Services, ServicesDep
from . import users
from .caller import CurrentSuperuser, CurrentUser
from .known import KnownCallers
from .models import AuditEvent
from .schemas import AuditView, CallerView, UserCreate, UserPatch, UserView

router = APIRouter(tags=["users"], responses=problems(*OF_CALLERS))


class _Audit(PageBefore):
    subject: CleanText | None = Field(None, max_length=255, description="Only what it was done to.")


@router.get("/me")
async def who_am_i(caller: CurrentUser) -> CallerView:
    """Who you are to this service."""
    return CallerView.of(caller)


@router.get("/admin/users")
async def list_users(
    caller: CurrentSuperuser, services: ServicesDep, page: Annotated[PageBefore, Query()]
) -> Page[UserView]:
    """All users, newest first."""
    async with services.database.session() as db:
        found = await users.list_users(db, limit=page.limit + 1, before=page.before)
    return Page.of(map(UserView.model_validate, found), page.limit, "user_id")


@router.post("/admin/users", status_code=201, responses=problems(Conflict, *OF_BODIES))
async def create_user(
    body: UserCreate, caller: CurrentSuperuser, services: ServicesDep
) -> UserView:
    """Add a user."""
    async with services.database.transaction() as db:
        return UserView.model_validate(await users.create_user(db, caller, body))


@router.get("/admin/users/{user_id}", responses=problems(NotFound))
async def get_user(user_id: UUID, caller: CurrentSuperuser, services: ServicesDep) -> UserView:
    """One user."""
    async with services.database.session() as db:
        return UserView.model_validate(await users.get_user(db, user_id))


@router.patch("/admin/users/{user_id}", responses=problems(NotFound, Conflict, *OF_BODIES))
async def change_user(
    user_id: UUID, patch: UserPatch, caller: CurrentSuperuser, services: ServicesDep
) -> UserView:
    """Change what a user is and may; who is no longer active is known to nobody any more."""
    async with services.database.transaction() as db:
        view = UserView.model_validate(await users.change_user(db, caller, user_id, patch))
    await _forget(services, user_id)
    return view


@router.delete("/admin/users/{user_id}", status_code=204, responses=problems(NotFound, Conflict))
async def delete_user(user_id: UUID, caller: CurrentSuperuser, services: ServicesDep) -> None:
    """Erase a user with all that is theirs, for good."""
    async with services.database.transaction() as db:
        await users.delete_user(db, caller, user_id)
    await _forget(services, user_id)


@router.get("/admin/audit")
async def list_audit_events(
    caller: CurrentSuperuser, services: ServicesDep, page: Annotated[_Audit, Query()]
) -> Page[AuditView]:
    """What was done to accounts and rights, newest first."""
    query = select(AuditEvent).order_by(AuditEvent.event_id.desc()).limit(page.limit + 1)
    if page.before is not None:
        query = query.where(AuditEvent.event_id < page.before)
    if page.subject is not None:
        query = query.where(AuditEvent.subject == page.subject)
    async with services.database.session() as db:
        found = (await db.scalars(query)).all()
    return Page.of(map(AuditView.model_validate, found), page.limit, "event_id")


async def _forget(services: Services, user_id: UUID) -> None:
    await services.get(KnownCallers).forget([users.label(user_id)])
