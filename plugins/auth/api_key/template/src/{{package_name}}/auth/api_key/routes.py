"""Keys of your own: make one, see which there are, take one back."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from ...core.errors import NotFound
from ...core.pages import Page, PageBefore
from ...core.problems import OF_BODIES, OF_CALLERS, problems
from ...core.services import ServicesDep
from ..caller import CurrentUser
from ..known import KnownCallers
from . import keys
from .models import ApiKey
from .reader import read_key
from .schemas import KeyCreate, KeyCreated, KeyView
from .settings import ApiKeySettings

router = APIRouter(prefix="/keys", tags=["keys"], responses=problems(*OF_CALLERS))


@router.get("")
async def list_keys(
    caller: CurrentUser, services: ServicesDep, page: Annotated[PageBefore, Query()]
) -> Page[KeyView]:
    """Your keys, newest first, those that were revoked or have expired among them."""
    async with services.database.session() as db:
        found = await keys.list_keys(db, caller.id, limit=page.limit + 1, before=page.before)
    return Page.of(map(KeyView.model_validate, found), page.limit, "key_id")


@router.post("", status_code=201, responses=problems(*OF_BODIES))
async def create_key(
    body: KeyCreate,
    caller: CurrentUser,
    services: ServicesDep,
    request: Request,
) -> KeyCreated:
    """Make a key of yours; this answer alone shows it.

    Made with another key, it may no more than that one and holds no longer.
    """
    prefix = services.get(ApiKeySettings).prefix
    sent = read_key(request, services) if caller.mode == "api_key" else None
    async with services.database.transaction() as db:
        made_with = await db.get(ApiKey, sent.key_id) if sent else None
        made, key = await keys.create_own_key(db, caller, body, prefix, made_with)
    return KeyCreated(**KeyView.model_validate(made).model_dump(), key=key)


@router.delete("/{key_id}", status_code=204, responses=problems(NotFound))
async def revoke_key(key_id: UUID, caller: CurrentUser, services: ServicesDep) -> None:
    """Let a key of yours hold no more, in every process, for good."""
    async with services.database.transaction() as db:
        await keys.revoke_key(db, caller, key_id)
    await services.get(KnownCallers).forget([keys.label(key_id)])
