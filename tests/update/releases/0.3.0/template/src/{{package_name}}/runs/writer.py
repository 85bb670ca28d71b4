"""One writer for the rows of all runs of this process: what has changed goes in one transaction.

A run that goes on is written at short intervals, one that has a tool's result or an end at once,
and with it whatever else has changed. So the cost of a commit is shared by all runs.
"""

import asyncio
from contextlib import suppress
from typing import Protocol
from uuid import UUID

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from ..core.db import Database
from ..core.errors import Unavailable
from . import store

log = structlog.get_logger(__name__)

STORE_EVERY_S = 0.25

_GIVE_UP_AFTER_S = 10.0
_RETRY_EVERY_S = 0.5
_AWAY = (OSError, TimeoutError, InterfaceError, OperationalError)


class Written(Protocol):
    """A run as the writer sees it."""

    @property
    def run_id(self) -> UUID: ...

    def draft(self) -> store.Draft:
        """What is to be written of it now."""

    def written(self, draft: store.Draft) -> None:
        """Hear that a draft is stored."""

    def lose(self) -> None:
        """Hear that the run is this process's no more, and nothing was written."""


class RowWriter:
    """Writes runs as they change, until it is cancelled."""

    def __init__(self, database: Database, owner_id: UUID) -> None:
        self._database = database
        self._owner_id = owner_id
        self._changed: dict[UUID, Written] = {}
        self._ends: dict[UUID, asyncio.Future[None]] = {}
        self._wake, self._urgent = asyncio.Event(), asyncio.Event()

    def changed(self, run: Written, *, at_once: bool = False) -> None:
        """Have a run written soon, or as soon as can be."""
        self._changed[run.run_id] = run
        self._wake.set()
        if at_once:
            self._urgent.set()

    async def end(self, run: Written) -> None:
        """Have a run written for the last time; returns when it is stored.

        Raises `Unavailable` when it can't be: the run was lost, or the database was away for long.
        """
        loop = asyncio.get_running_loop()
        self._ends[run.run_id] = end = loop.create_future()
        give_up = loop.call_later(_GIVE_UP_AFTER_S, self._refuse, run, "the database is away")
        self.changed(run, at_once=True)
        try:
            await end
        finally:
            give_up.cancel()
            del self._ends[run.run_id]

    async def keep_writing(self) -> None:
        """Write what changes; a run that can't be written holds up no other."""
        while True:
            await self._wake.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._urgent.wait(), STORE_EVERY_S)
            self._wake.clear()
            self._urgent.clear()
            runs, self._changed = self._changed, {}
            await self._write(list(runs.values()))

    async def _write(self, runs: list[Written]) -> None:
        try:
            drafts = {run.run_id: run.draft() for run in runs}
            own = await store.write(self._database, self._owner_id, drafts)
        except _AWAY:
            log.warning("runs_not_stored_yet", runs=len(runs), exc_info=True)
            await asyncio.sleep(_RETRY_EVERY_S)
            for run in runs:
                self.changed(run, at_once=True)
        except Exception as error:
            for run in runs if len(runs) > 1 else ():
                await self._write([run])
            if len(runs) == 1:
                log.error("run_not_stored", run_id=str(runs[0].run_id), exc_info=True)
                self._refuse(runs[0], type(error).__name__)
        else:
            for run in runs:
                self._tell(run, drafts[run.run_id], run.run_id in own)

    def _tell(self, run: Written, draft: store.Draft, is_own: bool) -> None:
        if not is_own:
            run.lose()
            self._refuse(run, "it was taken for dead")
            return
        run.written(draft)
        end = self._ends.get(run.run_id)
        if end is not None and draft.is_last and not end.done():
            end.set_result(None)

    def _refuse(self, run: Written, why: str) -> None:
        end = self._ends.get(run.run_id)
        if end is not None and not end.done():
            end.set_exception(Unavailable(f"the end of the run could not be stored: {why}"))
