"""Which tools are switched on, for all processes: rows are the truth, the bus is a hint to look."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from ..core.bus import Bus
from ..core.db import Database
from ..core.orm import utc_now
from ..core.services import Services
from .models import ToolSwitch

log = structlog.get_logger(__name__)

TOPIC = "tools.switched"
LOOK_AGAIN_S = 10.0
"""A change whose hint got lost is seen after so long."""


class ToolSwitches:
    """What somebody has decided about tools at run time; a tool without a decision is as coded."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus
        self._states: dict[str, bool] | None = None
        self._look_at = 0.0

    async def read(self) -> Mapping[str, bool]:
        """Return the decisions by the name of the tool, from memory as long as they are fresh.

        While the database is away the last ones hold.
        """
        if self._states is None or time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_AGAIN_S
            try:
                self._states = await self._query()
            except (OSError, SQLAlchemyError) as error:
                if self._states is None:
                    raise
                log.warning("tool_switches_not_read", error=str(error))
        return self._states

    async def switch(self, name: str, enabled: bool) -> None:
        """Enable or disable a tool in every process."""
        row = {"enabled": enabled, "updated_at": utc_now()}
        insert = self._database.insert(ToolSwitch).values(tool_name=name, **row)
        async with self._database.transaction() as db:
            await db.execute(insert.on_conflict_do_update(index_elements=["tool_name"], set_=row))
        self._look_at = 0.0
        await self._bus.publish(TOPIC)

    async def listen(self) -> None:
        """Look again whenever some process has switched a tool."""
        async with self._bus.subscribe(TOPIC) as messages:
            async for _ in messages:
                self._look_at = 0.0

    async def _query(self) -> dict[str, bool]:
        async with self._database.session() as db:
            rows = await db.execute(select(ToolSwitch.tool_name, ToolSwitch.enabled))
            return {row.tool_name: row.enabled for row in rows}


@asynccontextmanager
async def lifespan(services: Services) -> AsyncIterator[None]:
    """Provide `ToolSwitches`, which hears of changes while the service runs."""
    switches = ToolSwitches(services.database, services.bus)
    await switches.read()
    services.provide(ToolSwitches, switches)
    listener = asyncio.create_task(switches.listen())
    try:
        yield
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
