"""The outermost layer of every HTTP request: its id, its log line, and the last catch.

Pure ASGI, so that it neither buffers streams nor hides a client's disconnect.
"""

import re
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .orm import uuid7
from .problems import unexpected_response

log = structlog.get_logger(__name__)

REQUEST_ID_HEADER = "X-Request-ID"
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)


class RequestContext:
    """Binds `request_id` to the log context, answers with it, logs the request when it is over.

    A client's X-Request-ID is kept when it is 1 to 128 letters, digits or `._:-`, else replaced.
    """

    def __init__(self, app: ASGIApp, *, debug: bool = False) -> None:
        self.app = app
        self.debug = debug

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await _Request(scope, send, request_id).serve(self.app, receive, debug=self.debug)


class _Request:
    """One request on its way: remembers the status that was sent."""

    def __init__(self, scope: Scope, send: Send, request_id: str) -> None:
        self.scope = scope
        self._send = send
        self.request_id = request_id
        self.status: int | None = None

    async def serve(self, app: ASGIApp, receive: Receive, *, debug: bool) -> None:
        started = time.perf_counter()
        try:
            await app(self.scope, receive, self.send)
        except Exception as error:
            log.exception("request_failed")
            if self.status is not None:
                raise  # half an answer is out: the server must break the connection
            await unexpected_response(error, debug=debug)(self.scope, receive, self.send)
        finally:
            log.info(
                "request",
                method=self.scope["method"],
                path=self.scope["path"],
                status=self.status,
                duration_ms=round((time.perf_counter() - started) * 1000, 1),
            )

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)[REQUEST_ID_HEADER] = self.request_id
        await self._send(message)


def _request_id(headers: Headers) -> str:
    given = headers.get(REQUEST_ID_HEADER, "")
    return given if _ACCEPTABLE_ID.fullmatch(given) else str(uuid7())
