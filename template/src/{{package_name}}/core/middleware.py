"""The outermost layers of every HTTP request: its id, its log line, the last catch, its size.

Pure ASGI, so that they neither buffer streams nor hide a client's disconnect.
"""

import re
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import AppError, TooLarge
from .orm import uuid7
from .problems import problem_response

log = structlog.get_logger(__name__)

REQUEST_ID_HEADER = "X-Request-ID"
_HEADERS = "answer_headers"
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)


def answer_headers(connection: HTTPConnection) -> dict[str, str]:
    """Headers that go with the answer to this request, whatever it is: a stream, an error."""
    headers: dict[str, str] = connection.scope.setdefault(_HEADERS, {})
    return headers


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
        given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        request_id = given if _ACCEPTABLE_ID.fullmatch(given) else str(uuid7())
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._serve(scope, receive, send, request_id)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        started, status = time.perf_counter(), None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                told = {REQUEST_ID_HEADER: request_id, **scope.get(_HEADERS, {})}
                MutableHeaders(scope=message).update(told)
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception as error:
            log.exception("request_failed")
            if status is not None:
                raise  # half an answer is out: the server must break the connection
            detail = repr(error) if self.debug else "something unexpected went wrong"
            await problem_response(AppError(detail))(scope, receive, send_with_id)
        finally:
            duration_ms = round((time.perf_counter() - started) * 1000, 1)
            about = {"method": scope["method"], "path": scope["path"], "status": status}
            log.info("request", **about, duration_ms=duration_ms)


class BodyLimit:
    """Refuses a body of more than `max_bytes` as soon as it is read: when it says so, at once.

    FastAPI's own `max_body_size` answers in plain text, and beyond the reach of every handler.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("Content-Length", "")
        size = int(announced) if announced.isdecimal() else 0
        read = 0

        async def receive_limited() -> Message:
            nonlocal read
            self._check(size)
            message = await receive()
            read += len(message.get("body", b""))
            self._check(read)
            return message

        await self.app(scope, receive_limited, send)

    def _check(self, size: int) -> None:
        if size > self.max_bytes:
            raise TooLarge(f"the body has more than {self.max_bytes} bytes (MAX_BODY_BYTES)")
