"""Text that a model streams, gathered before the provider's library reads it.

That library and Pydantic AI cost nearly all that a streamed answer costs, and they cost it for
each event. So adjacent text deltas become one event of the same wire format: OpenAI's chat
completions and responses, and Anthropic's messages. Everything else passes as it came, in order.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
from pydantic_ai.models import create_async_httpx2_client
from pydantic_core import from_json, to_json

_EVENT_END = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")
# The LF of a CRLF may be read after the event that it ends has passed: it begins the next one.
_EVENT = re.compile(rb"\n?(event:[^\r\n]*(?>\r\n|\r|\n))?data:([^\r\n]*)[\r\n]+")
_VARYING = ("sequence_number", "obfuscation")  # the newest number; padding, which means nothing
_MOST_WAITING_BYTES = 256 * 1024


def gathering_client(window_s: float) -> httpx2.AsyncClient:
    """Return a client for a provider whose streamed text arrives at most once per `window_s`.

    It has Pydantic AI's timeouts and limits, and is the caller's to close. A response hook does
    the work, for a client with a transport of its own ignores the proxies of the environment.
    """

    async def gather(response: httpx2.Response) -> None:
        body = response.stream
        if isinstance(body, httpx2.AsyncByteStream) and _is_plain_event_stream(response.headers):
            response.stream = GatheredStream(body, window_s)

    client = create_async_httpx2_client()
    client.event_hooks["response"].append(gather)
    return client


def _is_plain_event_stream(headers: httpx2.Headers) -> bool:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "text/event-stream" and "content-encoding" not in headers


class GatheredStream(httpx2.AsyncByteStream):
    """The body of a streamed answer: text at most once per `window_s`, all else at once.

    Text passes at once when none has for a window, so the first does, and the first after a
    pause. Iterating again goes on where the iteration before stopped. What the upstream raises
    is raised after everything that came before it. Closing closes the upstream.
    """

    def __init__(self, upstream: httpx2.AsyncByteStream, window_s: float) -> None:
        self._upstream = upstream
        self._window_s = window_s
        self._waiting = WaitingEvents()
        self._next_text_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
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
        try:
            async for data in self._upstream:
                self._waiting.add(data)
                self._wake_for_what_waits()
                await self._wanted.wait()  # what passes at once goes before what can be read
        except Exception as error:  # whoever iterates gets it
            self._error = error
        finally:
            self._end()

    def _end(self) -> None:
        self._ended = True
        self._stop_timer()
        self._wake.set()

    def _wake_for_what_waits(self) -> None:
        waiting = self._waiting
        loop = asyncio.get_running_loop()
        is_due = waiting.has_text and loop.time() >= self._next_text_at
        if is_due or waiting.urgent or waiting.size_bytes > _MOST_WAITING_BYTES:
            self._wanted.clear()
            self._wake.set()
        elif waiting.has_text and self._timer is None:
            self._timer = loop.call_at(self._next_text_at, self._wake.set)

    def _take(self) -> bytes:
        self._wake.clear()
        self._wanted.clear()
        self._stop_timer()
        if self._waiting.has_text:
            self._next_text_at = asyncio.get_running_loop().time() + self._window_s
        data = self._waiting.take()
        return data + self._waiting.take_rest() if self._ended else data

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


@dataclass(slots=True)
class _TextDelta:
    """An event that adds text to an answer and does nothing else, apart from its text."""

    raw: bytes
    head: bytes
    event: dict[str, Any]
    place: dict[str, Any]
    key: str
    texts: list[str]
    varying: dict[str, Any]

    def absorb(self, newer: "_TextDelta") -> bool:
        """Add the text of the event that follows, if nothing but text sets the two apart."""
        if self.head != newer.head or self.event != newer.event:
            return False
        self.texts += newer.texts
        self.varying = newer.varying
        return True

    def render(self) -> bytes:
        """The bytes as they came, or those of one event that stands for several."""
        if len(self.texts) == 1:
            return self.raw
        self.place[self.key] = "".join(self.texts)
        return b"%bdata: %b\n\n" % (self.head, to_json({**self.event, **self.varying}))


class WaitingEvents:
    """Events that have come and were not taken yet, adjacent text deltas as one."""

    def __init__(self) -> None:
        self.urgent = False
        self.has_text = False
        self.size_bytes = 0
        self._events: list[bytes | _TextDelta] = []
        self._rest = bytearray()  # the beginning of an event

    def add(self, data: bytes) -> None:
        """Add what was read, which may begin and end anywhere."""
        seen = max(0, len(self._rest) - 2)  # a blank line may be complete only now
        self._rest += data
        start = 0
        for end in [match.end() for match in _EVENT_END.finditer(self._rest, seen)]:
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
            return
        self.has_text = True
        last = self._events[-1] if self._events else None
        if not (isinstance(last, _TextDelta) and last.absorb(delta)):
            self._events.append(delta)


def _parse_text_delta(raw: bytes) -> _TextDelta | None:
    if not (match := _EVENT.fullmatch(raw)):
        return None
    try:
        event = from_json(match[2])
    except ValueError:
        return None
    place, key = _find_text(event)
    if not place or not place[key]:
        return None
    text = place.pop(key)
    varying = {name: event.pop(name) for name in _VARYING if name in event}
    return _TextDelta(raw, match[1] or b"", event, place, key, [text], varying)


def _find_text(event: Any) -> tuple[dict[str, Any], str]:
    """Return the part of a plain text delta that holds its text, and under which name."""
    match event:
        case {"choices": [{"delta": {"content": str()} as delta} as choice]}:
            is_plain = (
                _has_only(delta, "content", "role")
                and _has_only(choice, "delta", "index")
                and not event.get("usage")
                and not event.get("error")
            )
            return (delta, "content") if is_plain else ({}, "")
        case {"type": "response.output_text.delta", "delta": str()} if not event.get("logprobs"):
            return event, "delta"
        case {"type": "content_block_delta", "delta": {"type": "text_delta"} as delta}:
            is_plain = isinstance(delta.get("text"), str) and _has_only(delta, "type", "text")
            return (delta, "text") if is_plain else ({}, "")
    return {}, ""


def _has_only(part: dict[str, Any], *names: str) -> bool:
    return not any(value for name, value in part.items() if name not in names)
