"""Short messages between the processes of this service: a stop request, a hint to look again.

The bus is a hint, never the truth: a message sent while a process reconnects is lost. What
matters stands in rows.

Redis carries it when REDIS_URL is set, else PostgreSQL's LISTEN/NOTIFY; on SQLite it stays inside
the one process.
"""

import asyncio
import json
from abc import abstractmethod
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

import structlog
from sqlalchemy import text

from .. import NAME
from .db import Database
from .settings import Settings

log = structlog.get_logger(__name__)

MAX_PAYLOAD_BYTES = 6000
"""PostgreSQL carries less than 8,000 bytes in a notification, topic and escapes included."""

CHANNEL = f"{NAME}:bus"

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 5.0
_START_TIMEOUT_S = 5.0


def make_bus(settings: Settings, database: Database) -> "Bus":
    """The bus that these settings ask for, not yet connected."""
    if settings.redis_url is not None:
        return RedisBus(settings.redis_url.get_secret_value())
    return PostgresBus(database) if database.dialect == "postgresql" else Bus()


class Bus:
    """A bus inside one process; the others build on it to hand out what arrives.

    It is an async context manager for its connections; `connected` says whether messages of
    other processes arrive at the moment.
    """

    kind = "local"
    connected = True

    def __init__(self) -> None:
        self._queues: dict[str, set[asyncio.Queue[str]]] = defaultdict(set)

    async def publish(self, topic: str, payload: str = "") -> None:
        """Send `payload` to everybody who is subscribed to `topic` now, in every process.

        Nobody waits for a message: one that cannot be sent is logged and lost. Raises
        `ValueError` when it is longer than `MAX_PAYLOAD_BYTES`.
        """
        message = json.dumps([topic, payload])
        if len(message) > MAX_PAYLOAD_BYTES:
            raise ValueError(
                f"a bus message holds {MAX_PAYLOAD_BYTES} bytes at most, this one has "
                f"{len(message)}: store the data and send its id"
            )
        try:
            await self._send(message)
        except Exception as error:
            log.warning("bus_message_lost", topic=topic, error=str(error))

    @asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[str]]:
        """The payloads sent to `topic` from now on; enter it before asking for what may come."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._queues[topic].add(queue)
        try:
            yield _drain(queue)
        finally:
            self._queues[topic].discard(queue)
            if not self._queues[topic]:
                del self._queues[topic]

    async def _send(self, message: str) -> None:
        self._receive(message)

    def _receive(self, message: str) -> None:
        topic, payload = json.loads(message)
        for queue in self._queues.get(topic, ()):
            queue.put_nowait(payload)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        return None


class _RemoteBus(Bus):
    """A bus over a server: listens in a task that reconnects until the bus is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.connected = False
        self._listener: asyncio.Task[None] | None = None

    @abstractmethod
    def _listen(self) -> AsyncIterator[None]:
        """Connect, yield once, and `_receive` until the connection breaks."""

    async def __aenter__(self) -> Self:
        first_attempt = asyncio.Event()
        self._listener = asyncio.create_task(self._keep_listening(first_attempt), name="bus")
        with suppress(TimeoutError):  # the service may start before its bus; /health says so
            await asyncio.wait_for(first_attempt.wait(), _START_TIMEOUT_S)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener

    async def _keep_listening(self, first_attempt: asyncio.Event) -> None:
        delay_s = _FIRST_DELAY_S
        while True:
            try:
                async for _ in self._listen():
                    self.connected, delay_s = True, _FIRST_DELAY_S
                    first_attempt.set()
            except Exception as error:
                log.warning("bus_disconnected", error=str(error), retry_in_s=delay_s)
            finally:
                self.connected = False
            first_attempt.set()
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, _LONGEST_DELAY_S)


class PostgresBus(_RemoteBus):
    """LISTEN/NOTIFY, on a connection of its own beside the pool."""

    kind = "postgresql"

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    async def _send(self, message: str) -> None:
        async with self._database.transaction() as session:
            notify = text("SELECT pg_notify(:channel, :message)")
            await session.execute(notify, {"channel": CHANNEL, "message": message})

    async def _listen(self) -> AsyncIterator[None]:
        broken = asyncio.Event()
        async with self._database.engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await connection.run_sync(lambda sync: sync.detach())  # the pool makes another
            driver.add_termination_listener(lambda _driver: broken.set())
            try:
                await driver.execute("SELECT set_config('application_name', $1, false)", CHANNEL)
                await driver.add_listener(CHANNEL, lambda *notice: self._receive(notice[-1]))
                yield
                await broken.wait()
            finally:
                driver.terminate()


class RedisBus(_RemoteBus):
    """Redis publish/subscribe."""

    kind = "redis"

    def __init__(self, url: str) -> None:
        super().__init__()
        from redis.asyncio import Redis

        self._client = Redis.from_url(url, decode_responses=True)

    async def _send(self, message: str) -> None:
        await self._client.publish(CHANNEL, message)

    async def _listen(self) -> AsyncIterator[None]:
        async with self._client.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(CHANNEL)
            yield
            async for message in pubsub.listen():
                self._receive(message["data"])

    async def __aexit__(self, *exc_info: object) -> None:
        await super().__aexit__(*exc_info)
        await self._client.aclose()


async def _drain(queue: asyncio.Queue[str]) -> AsyncIterator[str]:
    while True:
        yield await queue.get()
