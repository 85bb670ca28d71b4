"""Short messages between the processes of this service: a stop request, a hint to look again.

The bus is a hint, never the truth: a message sent while a process reconnects is lost, and a
subscriber that is far behind loses its oldest ones. What matters stands in rows.

Redis carries it when REDIS_URL is set, else PostgreSQL's LISTEN/NOTIFY; on SQLite it stays inside
the one process.
"""

import asyncio
import json
from abc import abstractmethod
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol, Self

import structlog
from sqlalchemy import text

from .db import Database
from .settings import Settings

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

MAX_PAYLOAD_BYTES = 6000
"""PostgreSQL carries less than 8,000 bytes in a notification, topic and escapes included."""

_QUEUE_SIZE = 1000
_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 5.0
_START_TIMEOUT_S = 5.0


class Bus(Protocol):
    """Publish and subscribe by topic; used as an async context manager for its connections."""

    @property
    def connected(self) -> bool:
        """Whether messages of other processes arrive at the moment."""

    async def publish(self, topic: str, payload: str = "") -> None:
        """Send `payload` to everybody who is subscribed to `topic` now, in every process.

        Raises `ValueError` when it is longer than `MAX_PAYLOAD_BYTES`.
        """

    def subscribe(self, topic: str) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """The payloads sent to `topic` from now on; enter it before asking for what may come."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *exc_info: object) -> None: ...


def make_bus(settings: Settings, database: Database) -> Bus:
    """The bus that these settings ask for, not yet connected."""
    if settings.redis_url is not None:
        return RedisBus(settings.redis_url.get_secret_value(), settings.application_name)
    if database.dialect == "postgresql":
        return PostgresBus(database, settings.application_name)
    return LocalBus()


class LocalBus:
    """A bus inside one process; the others build on it to hand out what arrives."""

    def __init__(self) -> None:
        self._queues: dict[str, set[asyncio.Queue[str]]] = defaultdict(set)

    @property
    def connected(self) -> bool:
        return True

    async def publish(self, topic: str, payload: str = "") -> None:
        _check_size(payload)
        self._deliver(topic, payload)

    @asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[str]]:
        queue: asyncio.Queue[str] = asyncio.Queue(_QUEUE_SIZE)
        self._queues[topic].add(queue)
        try:
            yield _drain(queue)
        finally:
            self._queues[topic].discard(queue)
            if not self._queues[topic]:
                del self._queues[topic]

    def _deliver(self, topic: str, payload: str) -> None:
        for queue in self._queues.get(topic, ()):
            if queue.full():
                queue.get_nowait()
                log.warning("bus_subscriber_too_slow", topic=topic)
            queue.put_nowait(payload)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        return None


class _RemoteBus(LocalBus):
    """A bus over a server: listens in a task that reconnects until the bus is closed."""

    def __init__(self) -> None:
        super().__init__()
        self._ready = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        return self._ready.is_set()

    async def publish(self, topic: str, payload: str = "") -> None:
        _check_size(payload)
        await self._send(json.dumps([topic, payload]))

    @abstractmethod
    async def _send(self, message: str) -> None:
        """Hand one message to the server."""

    @abstractmethod
    async def _listen(self) -> None:
        """Connect, set `_ready`, and `_receive` until the connection breaks."""

    def _receive(self, message: str) -> None:
        topic, payload = json.loads(message)
        self._deliver(topic, payload)

    async def __aenter__(self) -> Self:
        self._ready = asyncio.Event()
        self._listener = asyncio.create_task(self._keep_listening(), name="bus")
        with suppress(TimeoutError):  # the service may start before its bus; /health says so
            await asyncio.wait_for(self._ready.wait(), _START_TIMEOUT_S)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener
        self._ready.clear()

    async def _keep_listening(self) -> None:
        delay_s = _FIRST_DELAY_S
        while True:
            try:
                await self._listen()
            except Exception as error:
                log.warning("bus_disconnected", error=str(error), retry_in_s=delay_s)
            if self._ready.is_set():
                self._ready.clear()
                delay_s = _FIRST_DELAY_S
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, _LONGEST_DELAY_S)


class PostgresBus(_RemoteBus):
    """LISTEN/NOTIFY, on a connection of its own beside the pool."""

    def __init__(self, database: Database, channel: str) -> None:
        super().__init__()
        self._database = database
        self._channel = f"{channel}:bus"

    async def _send(self, message: str) -> None:
        async with self._database.transaction() as session:
            await session.execute(
                text("SELECT pg_notify(:channel, :message)"),
                {"channel": self._channel, "message": message},
            )

    async def _listen(self) -> None:
        async with self._database.engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await connection.run_sync(lambda sync: sync.detach())  # the pool makes another
            try:
                await self._listen_on(driver)
            finally:
                driver.terminate()

    async def _listen_on(self, connection: Any) -> None:
        broken = asyncio.Event()
        connection.add_termination_listener(lambda _connection: broken.set())
        await connection.execute("SELECT set_config('application_name', $1, false)", self._channel)
        await connection.add_listener(self._channel, self._on_notification)
        self._ready.set()
        await broken.wait()

    def _on_notification(self, _connection: Any, _pid: int, _channel: str, message: Any) -> None:
        self._receive(message)


class RedisBus(_RemoteBus):
    """Redis publish/subscribe."""

    def __init__(self, url: str, channel: str) -> None:
        super().__init__()
        self._url = url
        self._channel = f"{channel}:bus"
        self._client: Redis | None = None

    async def _send(self, message: str) -> None:
        await self._redis().publish(self._channel, message)

    async def _listen(self) -> None:
        async with self._redis().pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(self._channel)
            self._ready.set()
            async for message in pubsub.listen():
                self._receive(message["data"])

    async def __aexit__(self, *exc_info: object) -> None:
        await super().__aexit__(*exc_info)
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _redis(self) -> "Redis":
        if self._client is None:
            from redis.asyncio import Redis

            self._client = Redis.from_url(self._url, decode_responses=True)
        return self._client


def _check_size(payload: str) -> None:
    size_bytes = len(json.dumps(payload).encode())
    if size_bytes > MAX_PAYLOAD_BYTES:
        raise ValueError(
            f"a bus message holds {MAX_PAYLOAD_BYTES} bytes at most, this one has {size_bytes}: "
            f"store the data and send its id"
        )


async def _drain(queue: asyncio.Queue[str]) -> AsyncIterator[str]:
    while True:
        yield await queue.get()
