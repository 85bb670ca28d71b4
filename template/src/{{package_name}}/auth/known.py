"""Whom a mode recognised a moment ago, by what they sent: spares each request a look into rows.

What is withdrawn (a key, a login, a user) is forgotten at once, in every process that the bus
reaches, and nowhere remembered for longer than `TTL_S`.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from ..core.bus import Bus
from ..core.orm import utc_now
from .caller import Caller

TOPIC = "auth.forget"
TTL_S = 5.0
CAPACITY = 10_000


@dataclass(frozen=True)
class Recognised:
    """A caller, and what it was recognised by: `about` names it in the words that `forget` takes,
    such as `user:<id>` and `key:<id>`; at `expires_at` it no longer holds."""

    caller: Caller
    about: frozenset[str]
    expires_at: datetime | None = None


class KnownCallers:
    """Callers by the digest of what they sent, the least recently seen of too many forgotten."""

    def __init__(self, bus: Bus, ttl_s: float = TTL_S) -> None:
        self._bus = bus
        self._ttl_s = ttl_s
        self._entries: OrderedDict[bytes, tuple[Caller, float, frozenset[str]]] = OrderedDict()
        self._forgotten = 0
        self._listener: asyncio.Task[None] | None = None

    async def recognise(
        self, mode: str, sent: str, look: Callable[[], Awaitable[Recognised | None]]
    ) -> Caller | None:
        """The caller who sent this: remembered, or what `look` finds; what it raises is raised.

        No mode is told of whom another one recognised.
        """
        key = hashlib.sha256(f"{mode}\0{sent}".encode()).digest()
        caller, until, _ = self._entries.get(key, (None, 0.0, None))
        if caller is not None and until > time.monotonic() and self._bus.connected:
            self._entries.move_to_end(key)
            return caller
        forgotten = self._forgotten
        found = await look()
        if found is None:
            return None
        if forgotten == self._forgotten:  # else what was just looked up may be withdrawn already
            self._remember(key, found)
        return found.caller

    async def forget(self, about: Iterable[str]) -> None:
        """Look again, in every process, at who was recognised by any of this.

        Call it when what withdraws it is committed.
        """
        for one in about:
            self._forget(one)
            await self._bus.publish(TOPIC, one)

    def _remember(self, key: bytes, found: Recognised) -> None:
        left_s = self._ttl_s
        if found.expires_at is not None:
            left_s = min(left_s, (found.expires_at - utc_now()).total_seconds())
        self._entries[key] = found.caller, time.monotonic() + left_s, found.about
        if len(self._entries) > CAPACITY:
            self._entries.popitem(last=False)

    def _forget(self, about: str) -> None:
        self._forgotten += 1
        for key in [key for key, (_, _, names) in self._entries.items() if about in names]:
            del self._entries[key]

    async def _listen(self, subscribed: asyncio.Event) -> None:
        async with self._bus.subscribe(TOPIC) as messages:
            subscribed.set()
            async for about in messages:
                self._forget(about)

    async def __aenter__(self) -> Self:
        subscribed = asyncio.Event()
        self._listener = asyncio.create_task(self._listen(subscribed), name="known callers")
        await subscribed.wait()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
