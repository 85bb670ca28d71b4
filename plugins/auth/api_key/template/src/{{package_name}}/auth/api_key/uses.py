"""When keys were last used: written aside from requests, which never wait for it or fail by it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from ... import NAME
from ...core.db import Database
from ...core.orm import utc_now
from ...core.services import Services
from ..users import has_users
from .models import ApiKey

log = structlog.get_logger(__name__)

EVERY_S = 60.0
"""Of a key that is used all the time a use is written so often, whatever number of processes."""

GATHER_S = 1.0
"""So long uses are gathered, to be written in one transaction."""


class KeyUses:
    """The uses of keys in this process that are to be written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._next_at: dict[UUID, float] = {}
        self._used: set[UUID] = set()
        self._wake = asyncio.Event()

    def note(self, key_id: UUID) -> None:
        """Have a use written, unless one was a moment ago."""
        now = time.monotonic()
        if now >= self._next_at.get(key_id, now):
            self._next_at[key_id] = now + EVERY_S
            self._used.add(key_id)
            self._wake.set()

    async def keep_writing(self) -> None:
        """Write what is noted, until it is cancelled."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_S)
            self._wake.clear()
            await self.write()

    async def write(self) -> None:
        """Write what is noted now; what can't be written is kept for the next time."""
        used = {*self._used}
        try:
            await self._write(used)
        except (OSError, SQLAlchemyError) as error:
            log.warning("key_uses_not_stored", error=str(error))
            return
        self._used -= used
        now = time.monotonic()
        self._next_at = {key_id: at for key_id, at in self._next_at.items() if at > now}

    async def _write(self, used: set[UUID]) -> None:
        now = utc_now()
        last = ApiKey.last_used_at
        due = or_(last.is_(None), last < now - timedelta(seconds=EVERY_S))
        # In one order, and without those that another process writes: so no two wait for another.
        query = select(ApiKey.key_id).where(ApiKey.key_id.in_(used), due).order_by(ApiKey.key_id)
        async with self._database.transaction() as db:
            keys = (await db.scalars(query.with_for_update(skip_locked=True))).all()
            own = update(ApiKey).where(ApiKey.key_id.in_(keys))
            await db.execute(own.values(last_used_at=now))


@asynccontextmanager
async def lifespan(services: Services) -> AsyncIterator[None]:
    """Provide `KeyUses`, which are written while the service runs and when it ends."""
    async with services.database.session() as db:
        if not await has_users(db):
            log.warning("nobody_has_a_key", fix=f"`{NAME} init` makes a first user and a key")
    uses = KeyUses(services.database)
    services.provide(KeyUses, uses)
    writer = asyncio.create_task(uses.keep_writing(), name="key uses")
    try:
        yield
    finally:
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
        await uses.write()
