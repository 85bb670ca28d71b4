"""Erasing for real what was deleted: rows of sessions, their runs and messages.

This is the system's side, so routes and tools never import it. Any number of processes may erase
at once: each takes a few sessions at a time, and none that another one has taken.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, func, select

from ..core.db import Database
from ..core.orm import utc_now
from ..core.services import Services
from .models import AgentSession
from .settings import HistorySettings

log = structlog.get_logger(__name__)

BATCH = 100
_ERASE_EVERY_S = 3600.0


def days_ago(days: int) -> datetime:
    """The moment so many days ago."""
    return utc_now() - timedelta(days=days)


async def count_deleted(database: Database, before: datetime) -> int:
    """Return how many sessions `erase_deleted` would erase."""
    old = select(func.count()).where(AgentSession.deleted_at <= before)
    async with database.session() as db:
        return await db.scalar(old) or 0


async def erase_deleted(database: Database, before: datetime, batch: int = BATCH) -> int:
    """Erase the sessions that were deleted before that moment; return how many there were."""
    old = select(AgentSession.session_id).where(AgentSession.deleted_at <= before).limit(batch)
    erased = 0
    while True:
        async with database.transaction() as db:
            chosen = (await db.scalars(old.with_for_update(skip_locked=True))).all()
            await db.execute(delete(AgentSession).where(AgentSession.session_id.in_(chosen)))
        erased += len(chosen)
        if len(chosen) < batch:
            return erased


@asynccontextmanager
async def lifespan(services: Services) -> AsyncIterator[None]:
    """Erase what is due, now and every hour, if the settings say after how long it is."""
    days = services.get(HistorySettings).retention_days
    if days is None:
        yield
        return
    task = asyncio.create_task(_keep_erasing(services.database, days))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _keep_erasing(database: Database, days: int) -> None:
    while True:
        try:
            if erased := await erase_deleted(database, days_ago(days)):
                log.info("sessions_erased", count=erased)
        except Exception:
            log.warning("sessions_not_erased", exc_info=True)
        await asyncio.sleep(_ERASE_EVERY_S)
