"""What issuers are asked over HTTP: where their keys are, which ones, what a token is worth."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, Self

import httpx2
import structlog
from jwt import PyJWK, PyJWKSet, PyJWTError

from ...core.errors import Unavailable
from .settings import OidcSettings

log = structlog.get_logger(__name__)

MAX_ANSWER_BYTES = 1_000_000
MAX_CONNECTIONS = 20
ASK_EVERY_S = 10.0
"""Callers choose key ids freely: whatever they send, an issuer is not asked for keys more often."""


class IssuerAway(Unavailable):
    """The issuer of the token does not answer, so nobody can say whose it is."""

    code, title = "issuer_away", "The issuer of tokens is away"
    headers: Mapping[str, str] = {"Retry-After": f"{ASK_EVERY_S:.0f}"}


class IssuerClient:
    """Asks issuers; it follows no redirect, which could lead anywhere."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        limits = httpx2.Limits(max_connections=MAX_CONNECTIONS)
        self._http = httpx2.AsyncClient(timeout=timeout_s, limits=limits)

    async def ask(self, method: str, url: str, **sent: Any) -> dict[str, Any]:
        """The JSON object that is answered; raises `IssuerAway`, and says in the log why."""
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._http.stream(method, url, **sent) as answer,
            ):
                answer.raise_for_status()
                document = json.loads(await _read(answer))
            if not isinstance(document, dict):
                raise ValueError("the answer is no JSON object")
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError) as error:
            log.warning("issuer_away", url=url, error=repr(error))
            raise IssuerAway("the issuer of tokens does not answer: try again later") from error
        return document

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._http.aclose()


async def _read(answer: httpx2.Response) -> bytes:
    body = b""
    async for part in answer.aiter_bytes():
        body += part
        if len(body) > MAX_ANSWER_BYTES:
            raise ValueError(f"the answer has more than {MAX_ANSWER_BYTES} bytes")
    return body


class IssuerKeys:
    """The keys of one issuer by their ids, as it told them last."""

    def __init__(self, issuer: str, settings: OidcSettings, client: IssuerClient) -> None:
        self.issuer = issuer
        self.is_away = False
        self._settings = settings
        self._client = client
        self._keys: dict[str, PyJWK] = {}
        self._told_at = self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    async def find(self, key_id: str) -> PyJWK | None:
        """The key of this id, None when the issuer has none; `IssuerAway` when nobody knows.

        A key that has not been told of lately is good for as long as the issuer is asked.
        """
        key = self._known(key_id)
        if key is not None and self._age_s < self._settings.keys_fresh_s:
            return key
        asking = self.ask_again()
        if key is not None:
            return key
        if asking is not None:
            await asyncio.shield(asking)
        if self.is_away:
            raise IssuerAway(f"the keys of {self.issuer} are not to be had: try again later")
        return self._known(key_id)

    def ask_again(self) -> asyncio.Task[None] | None:
        """Ask for the keys, unless that was done a moment ago; what to wait for, if anything."""
        if self._asking is not None and not self._asking.done():
            return self._asking
        if time.monotonic() - self._asked_at < ASK_EVERY_S:
            return None
        self._asked_at = time.monotonic()
        self._asking = asyncio.create_task(self._ask(), name=f"keys of {self.issuer}")
        return self._asking

    async def close(self) -> None:
        """Wait for no answer any more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    @property
    def _age_s(self) -> float:
        return time.monotonic() - self._told_at

    def _known(self, key_id: str) -> PyJWK | None:
        return self._keys.get(key_id) if self._age_s < self._settings.keys_kept_s else None

    async def _ask(self) -> None:
        try:
            document = await self._client.ask("GET", await self._find_url())
            keys = PyJWKSet.from_dict(document).keys
        except IssuerAway:
            self.is_away = True
        except PyJWTError as error:
            log.warning("issuer_has_no_keys", issuer=self.issuer, error=str(error))
            self.is_away = True
        else:
            usable = (key for key in keys if key.public_key_use in {None, "sig"})
            self._keys = {key.key_id: key for key in usable if key.key_id}
            self._told_at, self.is_away = time.monotonic(), False

    async def _find_url(self) -> str:
        """Where the keys are, https://openid.net/specs/openid-connect-discovery-1_0.html."""
        if self._settings.jwks_url is not None:
            return self._settings.jwks_url
        where = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        told = await self._client.ask("GET", where)
        issuer, url = told.get("issuer"), told.get("jwks_uri")
        if issuer != self.issuer:
            log.warning("issuer_is_another", url=where, expected=self.issuer, told=issuer)
            raise IssuerAway(f"{self.issuer} calls itself otherwise: OIDC__ISSUER must be the same")
        schemes = ("https://",) if self.issuer.startswith("https://") else ("https://", "http://")
        if not isinstance(url, str) or not url.startswith(schemes):
            log.warning("issuer_has_no_keys", url=where, jwks_uri=url)
            raise IssuerAway(f"{self.issuer} does not say where its keys are")
        return url
