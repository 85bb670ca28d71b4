"""The event log of one run: one producer appends, any number of readers follow.

A reader is only a position in the log: it costs no queue, and one that is slow or gone holds
nothing up. Text passes at most once per window, gathered into one event; all else passes at once
and behind the text that came before it. The log is bounded: when it has grown long, adjacent texts
become one entry, and when it has grown large, its oldest entries go: the rows have them, too.
"""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import attrgetter

from .events import START, ClosingEvent, Event, Position, Progress, TextEvent, frame

FOLD_AT = 1_024
PIECE_LENGTH = 64 * 1024  # characters; some clients refuse an event of more than a megabyte
SIZE_LIMIT_BYTES = 4 * 1024 * 1024


class FellBehind(Exception):
    """What a reader wants next is gone from the log; the rows have it."""


@dataclass(frozen=True)
class Entry:
    """An event and the position that a reader has reached with it."""

    number: int
    at: Position
    event: Event

    @cached_property
    def frame(self) -> bytes:
        """The event as bytes for a client, encoded once for all readers."""
        return frame(self.event, self.at)

    @property
    def size_bytes(self) -> int:
        """About how much memory it takes; most events are small pieces of text."""
        event = self.event
        return len(event.text) if isinstance(event, TextEvent) else len(self.frame)

    def behind(self, reader: Position) -> Iterator["Entry"]:
        """The entry without the text that a reader at this position already has, in pieces that
        clients take."""
        if not isinstance(self.event, TextEvent):
            yield self
            return
        text, begin = self.event.text, self.at.offset - len(self.event.text)
        known = max(0, reader.offset - begin) if reader.part == self.at.part else 0
        if known == 0 and len(text) <= PIECE_LENGTH:
            yield self
            return
        for start in range(known, len(text), PIECE_LENGTH):
            piece = text[start : start + PIECE_LENGTH]
            at = Position(self.at.part, begin + start + len(piece))
            yield Entry(self.number, at, type(self.event)(text=piece))


class EventLog:
    """The events of a run so far. Not thread-safe: it belongs to the loop of its run."""

    def __init__(
        self,
        window_s: float = 0,
        *,
        fold_at: int = FOLD_AT,
        size_limit_bytes: int = SIZE_LIMIT_BYTES,
    ) -> None:
        self._window_s = window_s
        self._fold_at = fold_at
        self._size_limit_bytes = size_limit_bytes
        self._entries: list[Entry] = []
        self._size_bytes = 0
        self._number = 0
        self._at = self._lost = START
        self._open_text: type[TextEvent] | None = None
        self._held: list[TextEvent] = []
        self._next_text_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        self.closing: ClosingEvent | None = None

    def append(self, event: Event) -> None:
        """Add an event; a closing event ends the log."""
        if self.closing is not None:
            raise RuntimeError(f"the log is closed: {event.event!r} came too late")
        if isinstance(event, TextEvent):
            self._hold(event)
            return
        self._release()
        self._add(event)
        if isinstance(event, ClosingEvent):
            self.closing = event

    def begin_text(self) -> None:
        """Let the next text begin a part of its own, even if it follows one of its kind."""
        self._release()
        self._open_text = None

    async def follow(self, after: Position = START) -> AsyncIterator[Entry]:
        """Yield every entry behind `after`, as they come, to the closing event.

        Raises `FellBehind` when the log has lost what comes next.
        """
        seen = 0
        while seen < self._number or self.closing is None:
            if seen == self._number:
                await self._changed.wait()
            news, seen = self.behind(after, seen), self._number
            for entry in news:
                yield entry
                after = max(after, entry.at)

    def behind(self, reader: Position, seen: int = 0) -> list[Entry]:
        """The entries that there are behind a reader's position and the number that it has seen."""
        if self._lost > reader:
            raise FellBehind
        unseen = self._entries[bisect_right(self._entries, seen, key=attrgetter("number")) :]
        news = (entry for entry in unseen if _is_news(entry, reader))
        return [piece for entry in news for piece in entry.behind(reader)]

    def has_told(self, position: Position) -> bool:
        """Whether a reader can have come to this position."""
        if position <= self._lost:
            return True
        at = bisect_left(self._entries, position, key=attrgetter("at"))
        return at < len(self._entries) and self._entries[at].at.part == position.part

    async def closed(self) -> ClosingEvent:
        """Wait for the end and return how it came."""
        while self.closing is None:
            await self._changed.wait()
        return self.closing

    def _hold(self, event: TextEvent) -> None:
        """Keep text for the end of the window; the first text, and after a pause, passes."""
        if self._held and type(self._held[0]) is not type(event):
            self._release()
        self._held.append(event)
        loop = asyncio.get_running_loop()
        if loop.time() >= self._next_text_at:
            self._release()
        elif self._timer is None:
            self._timer = loop.call_at(self._next_text_at, self._release)

    def _release(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._held:
            self._next_text_at = asyncio.get_running_loop().time() + self._window_s
            self._add(_joined(self._held))
            self._held = []

    def _add(self, event: Event) -> None:
        self._at = self._next_position(event)
        self._number += 1
        self._entries.append(Entry(self._number, self._at, event))
        self._size_bytes += self._entries[-1].size_bytes
        if self._size_bytes > self._size_limit_bytes:
            self._drop()
        if len(self._entries) >= self._fold_at:
            self._fold()
        self._changed.set()
        self._changed = asyncio.Event()

    def _drop(self) -> None:
        """Let the oldest go, until half of the limit is free."""
        while self._size_bytes > self._size_limit_bytes / 2:
            gone = self._entries.pop(0)
            self._size_bytes -= gone.size_bytes
            self._lost = gone.at

    def _fold(self) -> None:
        self._entries = [_join(list(group)) for _, group in groupby(self._entries, _group)]
        self._fold_at = max(self._fold_at, 2 * len(self._entries))

    def _next_position(self, event: Event) -> Position:
        if isinstance(event, Progress):
            return self._at  # not stored, so it must not count
        if not isinstance(event, TextEvent):
            self._open_text = None
            return Position(self._at.part + 1, 1)
        if self._open_text is type(event):
            return Position(self._at.part, self._at.offset + len(event.text))
        self._open_text = type(event)
        return Position(self._at.part + 1, len(event.text))


def _is_news(entry: Entry, reader: Position) -> bool:
    if isinstance(entry.event, Progress):
        return entry.at >= reader
    return entry.at > reader or isinstance(entry.event, ClosingEvent)


def _group(entry: Entry) -> int:
    """Entries of one number belong together: the texts of one part. Others stay alone."""
    return entry.at.part if isinstance(entry.event, TextEvent) else -entry.number


def _join(group: list[Entry]) -> Entry:
    last = group[-1]
    texts = [entry.event for entry in group if isinstance(entry.event, TextEvent)]
    return Entry(last.number, last.at, _joined(texts)) if texts else last


def _joined(texts: list[TextEvent]) -> TextEvent:
    if len(texts) == 1:
        return texts[0]
    return type(texts[0])(text="".join(one.text for one in texts))
