"""The ways to say who is calling: each a folder in here, found by being there.

    # auth/badge/__init__.py
    from ..modes import AuthMode

    module = AuthMode(
        name="badge",
        authenticate=".reader:authenticate",
        challenge="Badge",
        scheme={"type": "apiKey", "in": "header", "name": "X-Badge"},
    )

A request may use any of them. Without one, this machine alone is answered (`caller`).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from ..core.modules import AppModule, Part, discover

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from ..core.services import Services
    from .caller import Caller

Authenticate: TypeAlias = "Callable[[HTTPConnection, Services], Awaitable[Caller | None]]"


@dataclass(frozen=True, kw_only=True)
class AuthMode(AppModule):
    """A room that knows callers by something that they send.

    - `authenticate`: who sent the request. None when nothing in it is meant for this mode;
      raises `Unauthenticated` when what is meant for it does not hold, `Unavailable` when what it
      asks is away.
    - `challenge`: what `WWW-Authenticate` says of it,
      https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
    - `scheme`: what OpenAPI says of it, https://spec.openapis.org/oas/v3.1.0#security-scheme-object
    """

    authenticate: Part[Authenticate]
    challenge: str
    scheme: Mapping[str, Any]


class AuthModes(tuple[AuthMode, ...]):
    """The modes of this service, in the order in which they are asked."""

    __slots__ = ()

    def __new__(cls, modes: Iterable[AppModule]) -> "AuthModes":
        return super().__new__(cls, [mode for mode in modes if isinstance(mode, AuthMode)])

    @property
    def challenge(self) -> str:
        """What a caller that nobody knows is told to send."""
        return ", ".join(dict.fromkeys(mode.challenge for mode in self))

    @property
    def schemes(self) -> dict[str, Mapping[str, Any]]:
        """What OpenAPI says of each."""
        return {mode.name: mode.scheme for mode in self}


@asynccontextmanager
async def lifespan(services: "Services") -> AsyncIterator[None]:
    """Provide the `AuthModes`, with `KnownCallers` for them, and the `RateLimits`.

    A mode that cannot be imported ends the start.
    """
    from .caller import AuthSettings
    from .known import KnownCallers
    from .limits import RateLimits

    modes = AuthModes(discover(__package__.rpartition(".")[0]))
    # Loaded here, once, and not with each request.
    loaded = (replace(mode, authenticate=mode.load(mode.authenticate)) for mode in modes)
    services.provide(AuthModes, AuthModes(loaded))
    services.provide(RateLimits, RateLimits(services.kv, services.get(AuthSettings).rate_limits))
    async with KnownCallers(services.bus) as known:
        services.provide(KnownCallers, known)
        yield
