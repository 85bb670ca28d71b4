"""Short-lived values that the processes of this service share: what is cached, what is counted.

Redis keeps them when REDIS_URL is set, else a table on PostgreSQL; on SQLite they stay in the
memory of the one process. Nothing here is the truth: a value may be gone before its time is over.

A key is that of a value or of a counter, never of both. Its first word says whose it is
(`tools.cache:…`). In Redis the project's name stands before it, for a server may be shared.
"""

import math
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import ClassVar, cast

from sqlalchemy import case, delete, select
from sqlalchemy.exc import SQLAlchemyError

from .. import NAME
from .db import Database
from .errors import Unavailable
from .models import KeyValue
from .orm import utc_now
from .settings import Settings

MEMORY_BYTES = 64 * 1024 * 1024
"""What the memory of one process holds; what was not used for the longest time goes first."""

SWEEP_EVERY_S = 60.0

# What is not answered within a moment is no longer worth waiting for.
_REDIS_TIMEOUT_S = 1.0
_REDIS_RETRIES = 3
_FIRST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.1


def make_store(settings: Settings, database: Database) -> "KeyValueStore":
    """The store that these settings ask for, not yet connected."""
    if settings.redis_url is not None:
        return RedisStore(settings.redis_url.get_secret_value())
    return SqlStore(database) if database.dialect == "postgresql" else MemoryStore()


class StoreUnavailable(Unavailable):
    """The key-value store does not answer. Do without it where you can, and say so in the log."""

    code, title = "store_unavailable", "The key-value store is away"


class KeyValueStore(ABC):
    """Bytes by key, each for `ttl_s` seconds. Every method raises `StoreUnavailable`."""

    kind: ClassVar[str]

    @abstractmethod
    async def get(self, key: str) -> bytes | None:
        """The value of `key`, or None when there is none or its time is over."""

    @abstractmethod
    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep `value` in place of any earlier one."""

    @abstractmethod
    async def increment(self, key: str, ttl_s: float) -> int:
        """Count one more and return how many there are; the first one begins the time."""

    @abstractmethod
    async def delete(self, key: str) -> None:
        """Forget `key`, if it is there."""

    async def close(self) -> None:
        """Close what was opened; the next use opens it again."""
        return


class MemoryStore(KeyValueStore):
    """In this process alone, at most `max_bytes` of keys and values."""

    kind = "memory"

    def __init__(self, max_bytes: int = MEMORY_BYTES) -> None:
        self._max_bytes = max_bytes
        self._size_bytes = 0
        self._entries: OrderedDict[str, tuple[bytes, float]] = OrderedDict()

    async def get(self, key: str) -> bytes | None:
        value, expires_at = self._entries.get(key, (None, 0.0))
        if expires_at <= time.monotonic():
            await self.delete(key)
            return None
        self._entries.move_to_end(key)
        return value

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        await self._put(key, value, time.monotonic() + ttl_s)

    async def increment(self, key: str, ttl_s: float) -> int:
        count = int(await self.get(key) or 0) + 1
        _, expires_at = self._entries.get(key, (b"", time.monotonic() + ttl_s))
        await self._put(key, b"%d" % count, expires_at)
        return count

    async def delete(self, key: str) -> None:
        value, _ = self._entries.pop(key, (None, 0.0))
        if value is not None:
            self._size_bytes -= len(key) + len(value)

    async def _put(self, key: str, value: bytes, expires_at: float) -> None:
        await self.delete(key)
        self._entries[key] = value, expires_at
        self._size_bytes += len(key) + len(value)
        while self._size_bytes > self._max_bytes:
            await self.delete(next(iter(self._entries)))


class SqlStore(KeyValueStore):
    """A table, on PostgreSQL or SQLite. A process that writes sweeps now and then."""

    kind = "sql"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sweep_at = 0.0

    async def get(self, key: str) -> bytes | None:
        query = select(KeyValue.value).where(KeyValue.key == key, KeyValue.expires_at > utc_now())
        with _answering(SQLAlchemyError):
            async with self._database.session() as db:
                return await db.scalar(query)

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        row = {"value": value, "count": 0, "expires_at": utc_now() + timedelta(seconds=ttl_s)}
        insert = self._database.insert(KeyValue).values(key=key, **row)
        with _answering(SQLAlchemyError):
            await self._sweep()
            async with self._database.transaction() as db:
                await db.execute(insert.on_conflict_do_update(index_elements=["key"], set_=row))

    async def increment(self, key: str, ttl_s: float) -> int:
        now = utc_now()
        lives = KeyValue.expires_at > now
        insert = self._database.insert(KeyValue).values(
            key=key, count=1, expires_at=now + timedelta(seconds=ttl_s)
        )
        count = insert.on_conflict_do_update(
            index_elements=["key"],
            set_={
                "count": case((lives, KeyValue.count + 1), else_=1),
                "expires_at": case((lives, KeyValue.expires_at), else_=insert.excluded.expires_at),
            },
        ).returning(KeyValue.count)
        with _answering(SQLAlchemyError):
            await self._sweep()
            async with self._database.transaction() as db:
                return (await db.scalars(count)).one()

    async def delete(self, key: str) -> None:
        with _answering(SQLAlchemyError):
            async with self._database.transaction() as db:
                await db.execute(delete(KeyValue).where(KeyValue.key == key))

    async def _sweep(self) -> None:
        """Delete what is over; in a transaction of its own, so that two cannot block each other."""
        if time.monotonic() < self._sweep_at:
            return
        self._sweep_at = time.monotonic() + SWEEP_EVERY_S
        async with self._database.transaction() as db:
            await db.execute(delete(KeyValue).where(KeyValue.expires_at <= utc_now()))


class RedisStore(KeyValueStore):
    """A Redis server, which pools connections, tries again and forgets by itself."""

    kind = "redis"

    def __init__(self, url: str) -> None:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import ExponentialWithJitterBackoff
        from redis.exceptions import RedisError

        self._errors = RedisError
        backoff = ExponentialWithJitterBackoff(base=_FIRST_PAUSE_S, cap=_LONGEST_PAUSE_S)
        self._client = Redis.from_url(
            url,
            socket_timeout=_REDIS_TIMEOUT_S,
            socket_connect_timeout=_REDIS_TIMEOUT_S,
            retry=Retry(backoff, _REDIS_RETRIES),
        )

    async def get(self, key: str) -> bytes | None:
        with _answering(self._errors):
            return cast(bytes | None, await self._client.get(_prefixed(key)))

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        with _answering(self._errors):
            await self._client.set(_prefixed(key), value, px=_milliseconds(ttl_s))

    async def increment(self, key: str, ttl_s: float) -> int:
        with _answering(self._errors):
            async with self._client.pipeline(transaction=True) as pipe:
                pipe.set(_prefixed(key), 0, px=_milliseconds(ttl_s), nx=True)
                pipe.incr(_prefixed(key))
                _, count = await pipe.execute()
        return int(count)

    async def delete(self, key: str) -> None:
        with _answering(self._errors):
            await self._client.delete(_prefixed(key))

    async def close(self) -> None:
        await self._client.aclose()


async def count_in_period(store: KeyValueStore, key: str, period_s: float) -> tuple[int, int]:
    """Count one more in the present period: how many there are, and in how many seconds it ends.

    Periods are fixed, and the same in every process. Raises `StoreUnavailable`.
    """
    elapsed_s = time.time() % period_s
    count = await store.increment(_in_period(key, period_s), period_s)
    return count, math.ceil(period_s - elapsed_s)


async def forget_period(store: KeyValueStore, key: str, period_s: float) -> None:
    """Begin to count anew in the present period; raises `StoreUnavailable`."""
    await store.delete(_in_period(key, period_s))


def _in_period(key: str, period_s: float) -> str:
    return f"{key}:{time.time() // period_s:.0f}"


@contextmanager
def _answering(kind: type[Exception]) -> Iterator[None]:
    try:
        yield
    except (OSError, kind) as error:
        raise StoreUnavailable(f"the key-value store does not answer: {error}") from error


def _prefixed(key: str) -> str:
    return f"{NAME}:{key}"


def _milliseconds(ttl_s: float) -> int:
    return max(1, round(ttl_s * 1000))
