"""How often a password may be tried.

Attempts are counted before the password is looked at, so that many at once gain nothing, in
periods of a quarter of an hour: by the address that they come from; by account and address; and by
account alone, but for addresses where that account has logged in lately. So whoever guesses from
many addresses keeps nobody out who logs in where they always do.

The address is the peer's, as the server knows it (TRUSTED_PROXIES), whatever headers say.
"""

from ...core.errors import TooManyRequests
from ...core.kv import KeyValueStore, StoreUnavailable, count_in_period, forget_period
from ..limits import network_of

PERIOD_S = 900
PER_ACCOUNT_AND_ADDRESS = 10
PER_ACCOUNT = 100
KNOWN_FOR_S = 90 * 24 * 3600.0

OF_ATTEMPTS = (TooManyRequests, StoreUnavailable)
"""What every route may answer with that counts one."""


class Attempts:
    """Counts them; raises `StoreUnavailable` when it cannot, and then nobody logs in."""

    def __init__(self, kv: KeyValueStore, per_address: int) -> None:
        self._kv = kv
        self._per_address = per_address

    async def count_address(self, address: str) -> None:
        """Count one; raises `TooManyRequests` when it is one too many from this address."""
        await self._count(f"address:{network_of(address)}", self._per_address)

    async def count(self, account: str, address: str) -> None:
        """Count one at an account's password; raises `TooManyRequests` when it is one too many."""
        await self.count_address(address)
        network = network_of(address)
        await self._count(f"both:{account}:{network}", PER_ACCOUNT_AND_ADDRESS)
        if await self._kv.get(_known(account, network)) is None:
            await self._count(f"account:{account}", PER_ACCOUNT)

    async def succeeded(self, account: str, address: str) -> None:
        """Remember that the account logs in from this address."""
        network = network_of(address)
        await self._kv.set(_known(account, network), b"1", KNOWN_FOR_S)
        await forget_period(self._kv, _counter(f"both:{account}:{network}"), PERIOD_S)

    async def _count(self, what: str, most: int) -> None:
        count, left_s = await count_in_period(self._kv, _counter(what), PERIOD_S)
        if count > most:
            raise TooManyRequests(f"too many attempts: try again in {left_s} seconds", left_s)


def _counter(what: str) -> str:
    return f"jwt.attempts:{what}"


def _known(account: str, network: str) -> str:
    return f"jwt.known:{account}:{network}"
