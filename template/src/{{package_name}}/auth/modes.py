"""The ways to say who is calling: each a folder in here, found by being there.

    # auth/badge/__init__.py
    from ..modes import AuthMode

    module = AuthMode(name="badge", authenticate=".reader:authenticate", challenge="Badge")

A request may use any of them. Without one, this machine alone is answered (`caller`).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

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
      raises `Unauthenticated` when what is meant for it does not hold.
    - `challenge`: what `WWW-Authenticate` says of it,
      https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
    """

    authenticate: Part[Authenticate]
    challenge: str


class AuthModes(tuple[AuthMode, ...]):
    """The modes of this service, in the order in which they are asked."""

    __slots__ = ()

    def __new__(cls, modes: Iterable[AppModule]) -> "AuthModes":
        return super().__new__(cls, [mode for mode in modes if isinstance(mode, AuthMode)])

    @property
    def challenge(self) -> str:
        """What a caller that nobody knows is told to send."""
        return ", ".join(dict.fromkeys(mode.challenge for mode in self))


@asynccontextmanager
async def lifespan(services: "Services") -> AsyncIterator[None]:
    """Provide the `AuthModes`; a mode that cannot be imported ends the start."""
    modes = AuthModes(discover(__package__.rpartition(".")[0]))
    # Loaded here, once, and not with each request.
    loaded = (replace(mode, authenticate=mode.load(mode.authenticate)) for mode in modes)
    services.provide(AuthModes, AuthModes(loaded))
    yield
