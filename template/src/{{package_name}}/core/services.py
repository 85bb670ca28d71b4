"""What the rooms share while the service runs, found by type."""

from collections.abc import AsyncIterator
from typing import Annotated, TypeVar, cast

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

from .bus import make_bus
from .db import Database
from .kv import make_store
from .settings import Settings

T = TypeVar("T")


class Services:
    """Settings, database, bus, key-value store, and what rooms provide in lifespans, by type.

    Making one opens nothing. It lives on `app.state.services`; background tasks may hold it too.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings)
        self.bus = make_bus(settings, self.database)
        self.kv = make_store(settings, self.database)
        self._provided: dict[type, object] = {}
        self.provide(Settings, settings)

    def provide(self, kind: type[T], value: T) -> None:
        """Make `value` what `get(kind)` answers, in place of any earlier one."""
        self._provided[kind] = value

    def get(self, kind: type[T]) -> T:
        """What was provided as `kind`; raises `LookupError` when nothing was."""
        try:
            return cast(T, self._provided[kind])
        except KeyError:
            raise LookupError(
                f"nothing provides {kind.__qualname__}: a settings class is named in its room's "
                f'AppModule (settings=".settings:{kind.__name__}"), anything else is provided '
                f"by a lifespan that runs earlier (`after`)"
            ) from None


async def get_services(connection: HTTPConnection) -> Services:
    """The services of the application that serves this connection.

    It waits for nothing, but what is not async FastAPI runs in a thread, for each request.
    """
    return cast(Services, connection.app.state.services)


ServicesDep = Annotated[Services, Depends(get_services)]


async def get_db(services: ServicesDep) -> AsyncIterator[AsyncSession]:
    """One transaction for a whole route: commits when it returns, rolls back when it raises.

    On SQLite it keeps other writers out meanwhile: in a route that waits for something else, use
    `services.database` for the moment that needs it.
    """
    async with services.database.transaction() as session:
        yield session


DbDep = Annotated[AsyncSession, Depends(get_db, scope="function")]
"""The transaction of this request, over before the answer is sent, also when it streams."""
