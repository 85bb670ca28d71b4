"""The caller of a request. Every query of anybody's data takes one.

The modes in this folder say who it is. Without one everybody is `local`, so only this machine is
let in: the peer's address must be loopback, and so must the name that it asked for, because a web
page elsewhere can make a browser on this machine send requests here under its own name (DNS
rebinding). A request that a proxy on this machine passed on comes from elsewhere.
ALLOW_ANONYMOUS=true lifts all of it; where there is a mode it means nothing.

A route says what it needs by the caller that it takes: `CurrentUser`, `CurrentSuperuser`,
`Annotated[Caller, Depends(needs("orders:write"))]` or `OptionalUser` with `openapi_extra=OPTIONAL`;
one that answers whoever asks says `openapi_extra=PUBLIC`.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Annotated, Any

from fastapi import Depends
from pydantic import Field
from starlette.requests import HTTPConnection

from ..core.errors import Forbidden, Unauthenticated, Unavailable
from ..core.services import Services, ServicesDep
from ..core.settings import RoomSettings
from .modes import AuthModes


class AuthSettings(RoomSettings):
    """Who may call without saying who they are."""

    allow_anonymous: bool = Field(
        False, description="Let callers on other machines in without authentication."
    )


EVERY_SCOPE = "*"
"""The scope of superusers, which stands for all of them."""


@dataclass(frozen=True)
class Caller:
    """Whoever sent the request; `id` owns the rows that it makes, `scopes` say what it may do.

    `name` is for people, `mode` is the way in which it was recognised.
    """

    id: str
    scopes: frozenset[str] = frozenset()
    name: str = ""
    mode: str = ""

    @property
    def is_superuser(self) -> bool:
        """Whether it may do everything."""
        return EVERY_SCOPE in self.scopes

    def may(self, scopes: Iterable[str]) -> bool:
        """Whether it has all of these scopes."""
        return not self._lacks(scopes)

    def require(self, scopes: Iterable[str], what: str) -> None:
        """Raise `Forbidden`, which says what `what` needs, unless it has all of these scopes."""
        if missing := self._lacks(scopes):
            raise Forbidden(
                f"{what} needs the scope {' and '.join(map(repr, missing))}, which you lack",
                details={"missing_scopes": missing},
            )

    def _lacks(self, scopes: Iterable[str]) -> list[str]:
        return [] if self.is_superuser else sorted({*scopes} - self.scopes)


LOCAL = Caller("local", frozenset({EVERY_SCOPE}), name="local", mode="local")
PROXY_HEADERS = (
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
)


async def current_caller(connection: HTTPConnection, services: ServicesDep) -> Caller:
    """The caller of this request.

    Raises `Unauthenticated` when no mode knows it, `Unavailable` when one that may cannot say so;
    without modes `Forbidden` when it is elsewhere.
    """
    modes = services.get(AuthModes)
    if not modes:
        return _local_caller(connection, services)
    if caller := await _recognise(connection, services, modes):
        return caller
    raise Unauthenticated("say who you are").challenged(modes.challenge)


async def optional_caller(connection: HTTPConnection, services: ServicesDep) -> Caller | None:
    """The caller of this request, None when it doesn't say who it is.

    Raises `Unauthenticated` when what it says does not hold.
    """
    modes = services.get(AuthModes)
    if not modes:
        return _local_caller(connection, services)
    return await _recognise(connection, services, modes)


async def _recognise(
    connection: HTTPConnection, services: Services, modes: AuthModes
) -> Caller | None:
    refused: Unauthenticated | None = None
    away: Unavailable | None = None
    for mode in modes:
        try:
            if caller := await mode.load(mode.authenticate)(connection, services):
                return replace(caller, mode=mode.name)
        except Unauthenticated as error:  # another mode may know what this one does not
            refused = refused or error
        except Unavailable as error:  # what it needs to say so is away
            away = away or error
    if away:
        raise away
    if refused:
        raise refused.challenged(modes.challenge)
    return None


def _local_caller(connection: HTTPConnection, services: Services) -> Caller:
    peer = connection.client.host if connection.client else ""
    is_local = is_loopback(peer) and is_loopback(connection.url.hostname or "")
    is_passed_on = any(name in connection.headers for name in PROXY_HEADERS)
    if (is_local and not is_passed_on) or services.get(AuthSettings).allow_anonymous:
        return LOCAL
    raise Forbidden(
        "this service has no authentication and answers its own machine only: set "
        "ALLOW_ANONYMOUS=true if whoever can reach it may use it"
    )


CurrentUser = Annotated[Caller, Depends(current_caller)]
"""Whoever sent the request. Nobody who was disabled gets so far: no mode knows them any more."""
CurrentActiveUser = CurrentUser
OptionalUser = Annotated[Caller | None, Depends(optional_caller)]
PUBLIC: dict[str, Any] = {"security": []}
"""`openapi_extra` of a route that answers whoever asks."""
OPTIONAL: dict[str, Any] = {"security": [{}]}
"""`openapi_extra` of a route that takes an `OptionalUser`."""


def needs(*scopes: str) -> Callable[..., Awaitable[Caller]]:
    """A dependency: the caller, who has all of these scopes; `Forbidden` names those that lack."""

    async def permitted_caller(connection: HTTPConnection, caller: CurrentUser) -> Caller:
        caller.require(scopes, connection.url.path)
        return caller

    return permitted_caller


CurrentSuperuser = Annotated[Caller, Depends(needs(EVERY_SCOPE))]


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address, is this very machine."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
