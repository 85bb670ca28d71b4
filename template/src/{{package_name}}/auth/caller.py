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

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Annotated, Any

from fastapi import Depends
from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode
from starlette.requests import HTTPConnection

from ..core.errors import Forbidden, Unauthenticated, Unavailable
from ..core.services import Services, ServicesDep
from ..core.settings import RoomSettings
from .limits import PER_MINUTE, RateLimits, address_of
from .modes import AuthModes


def _read_limits(value: Any) -> Any:
    """`runs:10,login:5` with what it leaves out; `ValueError` for a class that there is not."""
    if not isinstance(value, str):
        return value
    words = [word.strip().partition(":") for word in value.split(",") if word.strip()]
    limits = PER_MINUTE | {kind: number for kind, _, number in words}
    if limits.keys() != PER_MINUTE.keys():
        known = ",".join(f"{kind}:{number}" for kind, number in PER_MINUTE.items())
        raise ValueError(f"expected some of {known}, with other numbers; 0 for no limit")
    return limits


PerMinute = Annotated[
    Mapping[str, Annotated[int, Field(ge=0)]], NoDecode, BeforeValidator(_read_limits)
]


class AuthSettings(RoomSettings):
    """Who may call without saying who they are, and how often anybody may."""

    allow_anonymous: bool = Field(
        False, description="Let callers on other machines in without authentication."
    )
    rate_limits: PerMinute = Field(
        PER_MINUTE, description="Requests a minute by class: of a caller, or of an address."
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
    if caller := await optional_caller(connection, services):
        return caller
    told = "say who you are"
    if "Authorization" in connection.headers:
        told = "no mode of this service knows what Authorization holds: is all of it there?"
    raise Unauthenticated(told).challenged(services.get(AuthModes).challenge)


async def optional_caller(connection: HTTPConnection, services: ServicesDep) -> Caller | None:
    """The caller of this request, None when it doesn't say who it is.

    Raises `Unauthenticated` when what it says does not hold.
    """
    modes, limits = services.get(AuthModes), services.get(RateLimits)
    if not modes:
        caller: Caller | None = _local_caller(connection, services)
    else:
        try:
            caller = await _recognise(connection, services, modes)
        except Unauthenticated:
            await limits.spend(connection, "login", address_of(connection))
            raise
    if caller is not None:
        await _count(connection, services, caller, "default")
    return caller


async def _count(connection: HTTPConnection, services: Services, who: Caller, kind: str) -> None:
    """Count a request of the caller; anonymous ones are counted by address, this machine is not."""
    if who is not LOCAL or not _is_from_here(connection):
        name = address_of(connection) if who is LOCAL else who.id
        await services.get(RateLimits).spend(connection, kind, name)


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
    if _is_from_here(connection) or services.get(AuthSettings).allow_anonymous:
        return LOCAL
    raise Forbidden(
        "this service has no authentication and answers its own machine only: set "
        "ALLOW_ANONYMOUS=true if whoever can reach it may use it"
    )


def _is_from_here(connection: HTTPConnection) -> bool:
    peer = connection.client.host if connection.client else ""
    is_passed_on = any(name in connection.headers for name in PROXY_HEADERS)
    return is_loopback(peer) and is_loopback(connection.url.hostname or "") and not is_passed_on


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


def limited(kind: str) -> Callable[..., Awaitable[None]]:
    """A dependency: what is asked for here is counted as of this class, too (`limits`)."""

    async def count(connection: HTTPConnection, caller: CurrentUser, services: ServicesDep) -> None:
        await _count(connection, services, caller, kind)

    return count


CurrentSuperuser = Annotated[Caller, Depends(needs(EVERY_SCOPE))]


def bearer_token(connection: HTTPConnection) -> str | None:
    """What follows `Authorization: Bearer`; None where something else, or nothing, is sent."""
    scheme, _, token = connection.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else None


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address, is this very machine."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
