"""Logging in and out, registering, and passwords over HTTP.

All of it is JSON: a page elsewhere can make a browser send a form, and OAuth's password grant,
which is one, is no longer to be used, https://www.rfc-editor.org/rfc/rfc9700#section-2.4
"""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request

from ...core.errors import Conflict, Forbidden, NotFound, Unauthenticated
from ...core.pages import Page, PageBefore
from ...core.problems import OF_BODIES, OF_CALLERS, problems
from ...core.services import Services, ServicesDep
from .. import users
from ..audit import record
from ..caller import PUBLIC, CurrentSuperuser, CurrentUser
from ..known import KnownCallers
from ..schemas import UserCreate, UserView
from . import entry, invitations, logins, passwords
from .logins import Continued, Ended, RefreshedMeanwhile
from .schemas import (
    InvitationRequest,
    InvitationView,
    LoginRequest,
    NewInvitation,
    PasswordChange,
    PasswordOfUser,
    RefreshRequest,
    Registration,
    Tokens,
)
from .settings import JwtSettings
from .throttle import OF_ATTEMPTS, Attempts
from .tokens import AccessTokens

router = APIRouter(tags=["logins"], responses=problems(*OF_CALLERS))


@router.post(
    "/auth/register",
    status_code=201,
    openapi_extra=PUBLIC,
    responses=problems(Conflict, *OF_ATTEMPTS, *OF_BODIES),
)
async def register(body: Registration, request: Request, services: ServicesDep) -> UserView:
    """Become a user of this service, if it lets you; then log in."""
    settings = services.get(JwtSettings)
    if settings.registration == "closed":
        raise Forbidden("nobody registers here: ask who runs this service to let you in")
    await services.get(Attempts).count_address(_address(request))
    kept = await entry.hash_new(services, body.password.get_secret_value(), "password")
    about = UserCreate(username=body.username, email=body.email)
    async with services.database.transaction() as db:
        invitation_id = None
        if settings.registration == "invitation":
            code = body.invitation.get_secret_value() if body.invitation else ""
            invitation_id = str(await invitations.use(db, code))
        user = await users.create_user(db, None, about)
        caller = users.as_caller(user)
        await passwords.set_password(db, caller, user.user_id, kept)
        record(db, "registered", caller.id, caller, invitation_id=invitation_id)
        return UserView.model_validate(user)


@router.post("/auth/login", openapi_extra=PUBLIC, responses=problems(*OF_ATTEMPTS, *OF_BODIES))
async def login(body: LoginRequest, request: Request, services: ServicesDep) -> Tokens:
    """Log in with a name, or an email address, and a password."""
    password, address = body.password.get_secret_value(), _address(request)
    begun = await entry.log_in(services, body.username, password, address)
    return _tokens(services, begun)


@router.post(
    "/auth/refresh", openapi_extra=PUBLIC, responses=problems(RefreshedMeanwhile, *OF_BODIES)
)
async def refresh(body: RefreshRequest, services: ServicesDep) -> Tokens:
    """Go on with a login: a refresh token for another one and an access token.

    One that was used before ends its login, for somebody has copied it; if that was within the last
    seconds, it is only refused (`refreshed_meanwhile`).
    """
    lifetime = services.get(JwtSettings).login_lifetime
    async with services.database.transaction() as db:
        outcome = await logins.refresh(db, body.refresh_token.get_secret_value(), lifetime)
    if isinstance(outcome, Ended):
        await _forget(services, logins.label(outcome.login_id))
        raise Unauthenticated("this refresh token was used before, so its login has ended")
    return _tokens(services, outcome)


@router.post("/auth/logout", status_code=204, openapi_extra=PUBLIC, responses=problems(*OF_BODIES))
async def logout(body: RefreshRequest, services: ServicesDep) -> None:
    """End a login, for whoever has its refresh token; there is nothing to end when it is over."""
    async with services.database.transaction() as db:
        login_id = await logins.end(db, body.refresh_token.get_secret_value())
    if login_id is not None:
        await _forget(services, logins.label(login_id))


@router.post("/auth/logout-everywhere", status_code=204, responses=problems(NotFound))
async def logout_everywhere(caller: CurrentUser, services: ServicesDep) -> None:
    """End all of your logins."""
    async with services.database.transaction() as db:
        await logins.end_all(db, caller)
    await _forget(services, users.label(caller.id))


@router.post("/auth/password", responses=problems(NotFound, *OF_ATTEMPTS, *OF_BODIES))
async def change_password(
    body: PasswordChange,
    caller: CurrentUser,
    request: Request,
    services: ServicesDep,
) -> Tokens:
    """Change your password. All of your logins end, and a new one begins."""
    current, new = body.current_password.get_secret_value(), body.new_password.get_secret_value()
    begun = await entry.change_password(services, caller, current, new, _address(request))
    await _forget(services, users.label(caller.id))
    return _tokens(services, begun)


@router.put(
    "/admin/users/{user_id}/password",
    status_code=204,
    responses=problems(NotFound, *OF_BODIES),
)
async def set_password(
    user_id: UUID, body: PasswordOfUser, caller: CurrentSuperuser, services: ServicesDep
) -> None:
    """Give a user another password; all of their logins end."""
    kept = await entry.hash_new(services, body.password.get_secret_value(), "password")
    async with services.database.transaction() as db:
        user = await users.get_user(db, user_id, for_update=True)
        await passwords.set_password(db, caller, user.user_id, kept)
    await _forget(services, users.label(user_id))


@router.get("/admin/invitations")
async def list_invitations(
    caller: CurrentSuperuser, services: ServicesDep, page: Annotated[PageBefore, Query()]
) -> Page[InvitationView]:
    """Invitations that nobody has used yet, newest first."""
    async with services.database.session() as db:
        found = await invitations.list_invitations(db, limit=page.limit + 1, before=page.before)
    return Page.of(map(InvitationView.model_validate, found), page.limit, "invitation_id")


@router.post("/admin/invitations", status_code=201, responses=problems(Conflict, *OF_BODIES))
async def invite(
    body: InvitationRequest, caller: CurrentSuperuser, services: ServicesDep
) -> NewInvitation:
    """Let one person register, whoever has the code first."""
    lifetime = timedelta(days=body.lifetime_days)
    async with services.database.transaction() as db:
        registration = services.get(JwtSettings).registration
        made, code = await invitations.invite(db, caller, lifetime, registration)
    return NewInvitation(**InvitationView.model_validate(made).model_dump(), code=code)


@router.delete("/admin/invitations/{invitation_id}", status_code=204, responses=problems(NotFound))
async def withdraw_invitation(
    invitation_id: Annotated[UUID, Path(examples=["01a223e1-db36-7835-aacd-87d56c7605f7"])],
    caller: CurrentSuperuser,
    services: ServicesDep,
) -> None:
    """Let nobody use an invitation any more."""
    async with services.database.transaction() as db:
        await invitations.withdraw(db, caller, invitation_id)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _forget(services: Services, about: str) -> None:
    await services.get(KnownCallers).forget([about])


def _tokens(services: Services, continued: Continued) -> Tokens:
    return Tokens(
        access_token=services.get(AccessTokens).make(continued.login),
        expires_in=services.get(JwtSettings).access_lifetime_s,
        refresh_token=continued.refresh_token,
    )
