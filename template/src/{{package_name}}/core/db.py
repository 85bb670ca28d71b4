"""The database: sessions to read, transactions to write, and work that is one trip.

SQLite and PostgreSQL behave alike here. On SQLite a write transaction takes the write lock when
it begins (`BEGIN IMMEDIATE`): a transaction that reads first and writes later would otherwise
overwrite what another has written in between, or fail.
"""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from .. import NAME
from .orm import Base
from .settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")

Dialect = Literal["sqlite", "postgresql"]

LOCK_TIMEOUT_S = 30.0  # how long a writer waits for SQLite's lock

_SWITCH_INTERVAL_S = 0.0005
_WRITES = "app_writes"
# Without an isolation level, for the driver would begin transactions by itself, all deferred.
_SQLITE = {"isolation_level": None, "timeout": LOCK_TIMEOUT_S}
_POSTGRESQL = {"server_settings": {"application_name": NAME}}


class Database:
    """The engine and the ways to use it. Making one opens no connection."""

    def __init__(self, settings: Settings) -> None:
        self.url: URL = make_url(settings.database_url.get_secret_value())
        is_sqlite = self.url.get_backend_name() == "sqlite"
        self.dialect: Dialect = "sqlite" if is_sqlite else "postgresql"
        size = settings.database_pool_size
        self.engine = create_async_engine(
            self.url,
            connect_args=_SQLITE if is_sqlite else _POSTGRESQL,
            hide_parameters=True,  # errors would quote, in the log, what users say
            pool_pre_ping=not is_sqlite,
            pool_size=size,
            max_overflow=2 * size,
        )
        self.sync_engines = [self.engine.sync_engine]
        self._worker = _Worker(self.url) if is_sqlite else None
        if self._worker is not None:
            self.sync_engines.append(self._worker.engine)
            for engine in self.sync_engines:
                event.listen(engine, "connect", _set_pragmas)
                event.listen(engine, "begin", _begin)
        writer = self.engine.execution_options(**{_WRITES: True})
        self._readers = async_sessionmaker(self.engine, expire_on_commit=False)
        self._writers = async_sessionmaker(writer, expire_on_commit=False)

    @property
    def path(self) -> Path | None:
        """Where SQLite keeps its file; None on PostgreSQL."""
        return Path(self.url.database or "") if self.dialect == "sqlite" else None

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A session to read with; whatever it changed is rolled back at the end."""
        return self._readers()

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A session to write with: commits at the end, rolls back on an error."""
        return self._writers.begin()

    async def work(self, action: Callable[[Session], T]) -> T:
        """What `action` makes of a transaction of its own; what it raises rolls it back.

        On SQLite all its statements run in one thread, one work after another; `transaction`
        goes to a thread and back for each of them, which costs more than most statements.
        """
        if self._worker is None:
            async with self.transaction() as db:
                return await db.run_sync(action)
        return await self._worker.run(action)

    def insert(self, entity: "type[Base] | Table") -> "sqlite.Insert | postgresql.Insert":
        """An INSERT that knows `on_conflict_do_update`, which both databases spell alike."""
        if self.dialect == "sqlite":
            from sqlalchemy.dialects import sqlite

            return sqlite.insert(entity)
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(entity)

    async def ping(self) -> None:
        """Ask the database for an answer; raises whatever the driver raises.

        A SQLite file that does not exist yet is left to the migrations, which have a lock.
        """
        if self.path is not None and not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every pooled connection; the next use opens new ones."""
        if self._worker is not None:
            self._worker.close()
        await self.engine.dispose()


class _Worker:
    """A thread that works on a SQLite file, one transaction after another."""

    def __init__(self, url: URL) -> None:
        self.engine: Engine = create_engine(
            url.set(drivername="sqlite"),
            connect_args=_SQLITE,
            execution_options={_WRITES: True},
            hide_parameters=True,
        )
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        # Each call of SQLite lets go of the interpreter, and a busy event loop would give it back
        # after 5 ms only: a turn's beginning would take a tenth of a second.
        sys.setswitchinterval(_SWITCH_INTERVAL_S)

    async def run(self, action: Callable[[Session], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._transact, action)

    def close(self) -> None:
        self.engine.dispose()

    def _transact(self, action: Callable[[Session], T]) -> T:
        with Session(self.engine, expire_on_commit=False) as db, db.begin():
            return action(db)


def _set_pragmas(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
