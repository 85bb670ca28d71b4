"""How often somebody may ask in a minute, by the class of what is asked for.

Callers are counted by their id, whom nobody knows by address; this machine itself is not counted.
Minutes are fixed, so around their border twice as many requests can pass.
"""

import time
from collections.abc import Mapping
from hashlib import sha256
from ipaddress import IPv6Address, ip_address

import structlog
from starlette.requests import HTTPConnection

from ..core.errors import TooManyRequests
from ..core.kv import KeyValueStore, MemoryStore, StoreUnavailable, count_in_period
from ..core.middleware import answer_headers

log = structlog.get_logger(__name__)

PER_MINUTE = {"default": 1200, "runs": 60, "login": 60}
"""The limits by class: every request of a caller, those that ask a model, and those of an address
whose credentials do not hold."""

_PERIOD_S = 60
_LOOK_AGAIN_S = 10.0


class RateLimits:
    """Counts requests, for all processes where the key-value store is theirs together.

    While the store is away every request passes, and it is asked again only now and then: a
    service that waits for its counter would be the greater harm.
    """

    def __init__(self, store: KeyValueStore, per_minute: Mapping[str, int]) -> None:
        self._per_minute = per_minute
        # In a table each request would be a write: there, each process counts them for itself.
        frequent = MemoryStore() if store.kind == "sql" else store
        self._stores = dict.fromkeys(per_minute, store) | {"default": frequent}
        self._is_away = False
        self._look_at = 0.0

    async def spend(self, connection: HTTPConnection, kind: str, who: str) -> None:
        """Count a request of `who`; `TooManyRequests` if there were too many of its class.

        What is left is told in the answer, as
        https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/10/ has it.
        """
        limit = self._per_minute[kind]
        if not limit or (counted := await self._count(kind, who)) is None:
            return
        count, left_s = counted
        _tell(connection, "RateLimit-Policy", f'"{kind}";q={limit};w={_PERIOD_S}')
        _tell(connection, "RateLimit", f'"{kind}";r={max(0, limit - count)};t={left_s}')
        if count > limit:
            raise TooManyRequests(
                f"there may be {limit} requests a minute ({kind!r} in RATE_LIMITS): "
                f"wait {left_s} s",
                left_s,
            )

    async def _count(self, kind: str, who: str) -> tuple[int, int] | None:
        if time.monotonic() < self._look_at:
            return None
        key = f"auth.rate:{kind}:{sha256(who.encode()).hexdigest()[:32]}"
        try:
            counted = await count_in_period(self._stores[kind], key, _PERIOD_S)
        except StoreUnavailable as error:
            self._look_at = time.monotonic() + _LOOK_AGAIN_S
            self._note(is_away=True, error=str(error))
            return None
        self._note(is_away=False)
        return counted

    def _note(self, is_away: bool, **about: str) -> None:
        """Log when the store goes, and when it is back."""
        if is_away != self._is_away:
            self._is_away = is_away
            log.warning("rate_limits", enforced=not is_away, **about)


def address_of(connection: HTTPConnection) -> str:
    """Where a request comes from, as `network_of` has it."""
    return network_of(connection.client.host if connection.client else "")


def network_of(host: str) -> str:
    """An address; of IPv6 the network, for whoever has one address has them all."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(getattr(address, "ipv4_mapped", None) or address)


def _tell(connection: HTTPConnection, name: str, value: str) -> None:
    headers = answer_headers(connection)
    headers[name] = ", ".join(filter(None, (headers.get(name), value)))
