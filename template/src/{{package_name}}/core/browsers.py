"""What browsers are told with each answer, and what pages of other origins may do here: nothing.

Pure ASGI, so that streams are not buffered. A route that sends one of these headers itself, as a
page of a user interface does with its own Content-Security-Policy, keeps its own.
"""

from collections.abc import Collection
from typing import Any

from starlette.datastructures import URL, Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import Forbidden
from .problems import problem_response

_NOTHING = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"

_CDN = "https://cdn.jsdelivr.net/npm"
PAGES_OF_FASTAPI = "; ".join(
    (
        _NOTHING,
        # Their own scripts stand in them; they show nothing that anybody sent.
        f"script-src 'unsafe-inline' {_CDN}/swagger-ui-dist@5/ {_CDN}/redoc@2/",
        f"style-src 'unsafe-inline' {_CDN}/swagger-ui-dist@5/ https://fonts.googleapis.com",
        "font-src https://fonts.gstatic.com",
        "img-src 'self' data: https://fastapi.tiangolo.com https://cdn.redoc.ly",
        "connect-src 'self'",
        "worker-src blob:",
    )
)
"""The Content-Security-Policy of `/docs` and `/redoc`."""

_HEADERS = {
    "Content-Security-Policy": _NOTHING,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_HSTS = {"Strict-Transport-Security": "max-age=31536000"}
_NO_STORE = {"Cache-Control": "no-store"}

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_EXPOSED = ("ETag", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate")


class SecurityHeaders:
    """Adds the headers that make browsers careful, and that keep JSON out of caches.

    `policies` are the Content-Security-Policies of paths that need more than nothing. With `hsts`
    an answer over HTTPS tells browsers never to come without it.
    """

    def __init__(self, app: ASGIApp, policies: dict[str, str], *, hsts: bool) -> None:
        self.app = app
        self.policies = policies
        self.hsts = hsts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        added = _HEADERS | (_HSTS if self.hsts and scope["scheme"] == "https" else {})
        if policy := self.policies.get(scope["path"]):
            added["Content-Security-Policy"] = policy

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_json = "json" in headers.get("Content-Type", "")
                for name, value in (added | (_NO_STORE if is_json else {})).items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class SameOrigin:
    """Refuses what a page of another origin makes a browser do, unless it is one of `origins`.

    A browser sends along what it is known by (a cookie, its place on this machine), and does not
    ask first about requests that a form could make, or about WebSockets. What is no browser says
    nothing of where it comes from, and passes: https://words.filippo.io/csrf/
    """

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self.app = app
        self.origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._may_pass(scope):
            await self.app(scope, receive, send)
            return
        origin = Headers(scope=scope).get("Origin", "elsewhere")
        refusal = f"a page from {origin!r} may not do this: CORS_ORIGINS names those that may"
        await problem_response(Forbidden(refusal))(scope, receive, send)

    def _may_pass(self, scope: Scope) -> bool:
        if scope.get("method") in _SAFE_METHODS:
            return True
        headers = Headers(scope=scope)
        site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
        if site in {"same-origin", "none"} or not {origin, "*"}.isdisjoint(self.origins):
            return True
        if site is not None:
            return False
        return origin is None or URL(origin).netloc == headers.get("Host")


def cors_options(origins: Collection[str]) -> dict[str, Any]:
    """What Starlette's `CORSMiddleware` allows pages of `origins`: all, and cookies if named."""
    return {
        "allow_origins": origins,
        "allow_credentials": "*" not in origins,
        "allow_methods": ["*"],
        "allow_headers": ["*"],
        "expose_headers": _EXPOSED,
    }
