"""Text that a model streams, gathered before the provider's library reads it.

That library and Pydantic AI cost nearly all that a streamed answer costs, and they cost it for
each event. So adjacent text deltas become one event of the same wire format: OpenAI's chat
completions and responses, and Anthropic's messages. Everything else passes as it came, in order.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from socket import SO_RCVLOWAT, SOL_SOCKET, socket
from typing import Any

import httpx2
from pydantic_ai.models import create_async_httpx2_client
from pydantic_core import from_json

_LF_EVENT_END = re.compile(rb"\n\n")  # found in an eighth of the time
_EVENT_END = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")
# The LF of a CRLF may be read after the event that it ends has passed: it begins the next one.
_EVENT = re.compile(rb"\n?(?:event:[^\r\n]*(?>\r\n|\r|\n))?data:([^\r\n]*)[\r\n]+")
_CHARACTERS = rb'(?:[^"\\\r\n]+|\\[^\r\n])+'
_TEXT = re.compile(_CHARACTERS)
_FIELD = re.compile(rb'"(?:content|delta|text)": ?"(' + _CHARACTERS + rb')"')
# The newest number counts, and padding means nothing.
_VARYING = re.compile(rb'"(?:sequence_number|obfuscation)": ?(?:\d+|"[^"\\]*")')
_TIMER_SLACK_S = 0.002  # so much too early a loop may end a window: it is no second one
_TIME_TO_READ_S = 0.001
_MOST_UNREAD_BYTES = 64 * 1024
_MOST_WAITING_BYTES = 256 * 1024


def gathering_client(window_s: float) -> httpx2.AsyncClient:
    """Return a client for a provider whose streamed text arrives at most once per `window_s`.

    It has Pydantic AI's timeouts and limits, and is the caller's to close. A response hook does
    the work, for a client with a transport of its own ignores the proxies of the environment.
    """

    async def gather(response: httpx2.Response) -> None:
        body = response.stream
        if isinstance(body, httpx2.AsyncByteStream) and _is_plain_event_stream(response.headers):
            response.stream = GatheredStream(body, window_s, _connection(response))

    client = create_async_httpx2_client()
    client.event_hooks["response"].append(gather)
    return client


def _is_plain_event_stream(headers: httpx2.Headers) -> bool:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "text/event-stream" and "content-encoding" not in headers


def _connection(response: httpx2.Response) -> socket | None:
    """Return a handle of the connection, to be closed, if it is this response's alone."""
    network = response.extensions.get("network_stream")
    if network is None or response.http_version != "HTTP/1.1" or sys.platform != "linux":
        return None
    connection: socket | None = network.get_extra_info("socket")
    return connection and connection.dup()


class GatheredStream(httpx2.AsyncByteStream):
    """The body of a streamed answer: text at most once per `window_s`, all else as it is read.

    Text passes at once when none has for a window, so the first does, and the first after a
    pause. While a window lasts, Linux keeps what the `connection` receives, so that nobody is
    woken for each piece; its end wakes at once. All windows end at the same moments: many
    streams that go on together cost less than each by itself.

    Iterating again goes on where the iteration before stopped. What the upstream raises is raised
    after everything that came before it. Closing closes the upstream.
    """

    def __init__(
        self,
        upstream: httpx2.AsyncByteStream,
        window_s: float,
        connection: socket | None = None,
    ) -> None:
        self._upstream = upstream
        self._window_s = window_s
        self._connection = connection
        self._waiting = WaitingEvents()
        self._window: asyncio.TimerHandle | None = None
        self._has_passed_text = False
        self._wake, self._wanted = asyncio.Event(), asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._ended = False
        self._error: Exception | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._reader is None and not self._ended:
            self._reader = asyncio.create_task(self._read())
        while True:
            if not self._ended:
                self._wanted.set()
                await self._wake.wait()
            if data := self._take():
                yield data
            elif self._ended:
                break
        if self._error:
            raise self._error

    async def aclose(self) -> None:
        """Stop reading, and close the upstream; who still iterates gets `StreamClosed`."""
        try:
            if self._reader and not self._reader.done():
                self._error = httpx2.StreamClosed()
                self._reader.cancel()
                await asyncio.wait([self._reader])
        finally:
            self._end()
            await self._upstream.aclose()

    async def _read(self) -> None:
        """Read to the end; who iterates goes on when everything that is there has been read."""
        waiting = self._waiting
        try:
            async for data in self._upstream:
                waiting.add(data)
                is_first = waiting.has_text and not self._has_passed_text
                if is_first or waiting.size_bytes > _MOST_WAITING_BYTES:
                    # The first text is passed on before any more is read, however much is there.
                    self._wanted.clear()
                    self._wake.set()
                    await self._wanted.wait()
                elif waiting.urgent or (waiting.has_text and self._window is None):
                    self._wake.set()
        except Exception as error:  # whoever iterates gets it
            self._error = error
        finally:
            self._end()

    def _end(self) -> None:
        self._ended = True
        self._end_window()
        self._wake.set()
        if self._connection:
            self._connection.close()

    def _take(self) -> bytes:
        self._wake.clear()
        if self._ended:
            return self._waiting.take() + self._waiting.take_rest()
        if self._waiting.has_text:
            self._has_passed_text = True
            self._begin_window()
        return self._waiting.take()

    def _begin_window(self) -> None:
        if self._window:
            self._window.cancel()
        loop = asyncio.get_running_loop()
        ends_at = ((loop.time() + _TIMER_SLACK_S) // self._window_s + 1) * self._window_s
        self._window = loop.call_at(ends_at, self._end_window)
        self._wake_at(_MOST_UNREAD_BYTES)

    def _end_window(self) -> None:
        if self._window:
            self._window.cancel()
            self._window = None
            self._wake_at(1)
            if self._waiting.has_text:
                # First what the connection has kept, or it would wait for another window.
                asyncio.get_running_loop().call_later(_TIME_TO_READ_S, self._wake.set)

    def _wake_at(self, size_bytes: int) -> None:
        """Let so much come before the loop is told that there is something to read."""
        if self._connection:
            with suppress(OSError):  # it has just ended
                self._connection.setsockopt(SOL_SOCKET, SO_RCVLOWAT, size_bytes)


@dataclass(slots=True)
class _TextDelta:
    """An event that adds text to an answer and does nothing else, cut around its text."""

    head: bytes
    texts: list[bytes]
    tail: bytes
    shape: bytes

    def text_of(self, events: bytes) -> bytes | None:
        """The text of events that are like this one to the byte; None if one of them is not."""
        head, tail = self.head, self.tail
        if not (events.startswith(head) and events.endswith(tail)):
            return None
        text = events[len(head) : -len(tail)].replace(tail + head, b"")
        return text if _TEXT.fullmatch(text) else None

    def absorb(self, newer: "_TextDelta") -> bool:
        """Add the text of the event that follows, if nothing but text sets the two apart."""
        if self.shape != newer.shape:
            return False
        self.texts += newer.texts
        self.head, self.tail = newer.head, newer.tail
        return True

    def render(self) -> bytes:
        return b"".join((self.head, *self.texts, self.tail))


class WaitingEvents:
    """Events that have come and were not taken yet, adjacent text deltas as one."""

    def __init__(self) -> None:
        self.urgent = False
        self.has_text = False
        self.size_bytes = 0
        self._events: list[bytes | _TextDelta] = []
        self._last: _TextDelta | None = None  # that has come
        self._rest = bytearray()  # the beginning of an event

    def add(self, data: bytes) -> None:
        """Add what was read, which may begin and end anywhere."""
        last = self._last
        if last and not self._rest and (text := last.text_of(data)):
            self.size_bytes += len(data)
            self._add_delta(_TextDelta(last.head, [text], last.tail, last.shape))
        else:
            self._add_events(data)

    def _add_events(self, data: bytes) -> None:
        seen = max(0, len(self._rest) - 2)  # a blank line may be complete only now
        self._rest += data
        event_end = _EVENT_END if b"\r" in self._rest else _LF_EVENT_END
        start = 0
        for end in [match.end() for match in event_end.finditer(self._rest, seen)]:
            self._add_event(bytes(self._rest[start:end]))
            start = end
        del self._rest[:start]

    def take(self) -> bytes:
        """Return all whole events, in order, and forget them."""
        events, self._events = self._events, []
        self.urgent, self.has_text, self.size_bytes = False, False, 0
        return b"".join(event if isinstance(event, bytes) else event.render() for event in events)

    def take_rest(self) -> bytes:
        """Return what has begun and will not end, for the answer is over."""
        rest = bytes(self._rest)
        self._rest.clear()
        return rest

    def _add_event(self, raw: bytes) -> None:
        self.size_bytes += len(raw)
        delta = _parse_text_delta(raw)
        if delta is None:
            self.urgent = True
            self._events.append(raw)
        else:
            self._add_delta(delta)

    def _add_delta(self, delta: _TextDelta) -> None:
        self.has_text = True
        self._last = delta
        waiting = self._events[-1] if self._events else None
        if not (isinstance(waiting, _TextDelta) and waiting.absorb(delta)):
            self._events.append(delta)


def _parse_text_delta(raw: bytes) -> _TextDelta | None:
    if not (text := _FIELD.search(raw)):
        return None
    head, tail = raw[: text.start(1)], raw[text.end(1) :]
    shape = _VARYING.sub(b'"_":0', head + tail)
    return _TextDelta(head, [text[1]], tail, shape) if _adds_text_only(shape) else None


@lru_cache(256)  # all text deltas of an answer are of one shape: their JSON is read once
def _adds_text_only(shape: bytes) -> bool:
    """Whether an event, given without its text, does nothing but add that."""
    try:
        found = _EVENT.fullmatch(shape)
        return found is not None and _is_plain_delta(from_json(found[1]))
    except ValueError:
        return False


def _is_plain_delta(event: Any) -> bool:
    match event:
        case {"choices": [{"delta": {"content": ""} as delta} as choice]}:
            return (
                _has_only(delta, "content", "role")
                and _has_only(choice, "delta", "index")
                and not event.get("usage")
                and not event.get("error")
            )
        case {"type": "response.output_text.delta", "delta": ""}:
            return not event.get("logprobs")
        case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": ""} as delta}:
            return _has_only(delta, "type", "text")
    return False


def _has_only(part: dict[str, Any], *names: str) -> bool:
    return not any(value for name, value in part.items() if name not in names)
