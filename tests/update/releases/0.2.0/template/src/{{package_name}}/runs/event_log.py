"""The event log of one run: one producer appends, any number of readers follow.

A reader is only a position in the log: it costs no queue, and one that is slow or gone holds
nothing up. The log is bounded: when it has grown long, adjacent texts become one entry.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from .events import ClosingEvent, Event, Position, Progress, TextEvent, frame

FOLD_AT = 4_096


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

    def behind(self, reader: Position) -> "Entry":
        """Return the entry without the text that a reader at this position already has."""
        if not isinstance(self.event, TextEvent) or self.at.part != reader.part:
            return self
        missing = self.at.offset - reader.offset
        if missing >= len(self.event.text):
            return self
        return Entry(self.number, self.at, type(self.event)(text=self.event.text[-missing:]))


class EventLog:
    """The events of a run so far. Not thread-safe: it belongs to the loop of its run."""

    def __init__(self, fold_at: int = FOLD_AT) -> None:
        self._entries: list[Entry] = []
        self._fold_at = fold_at
        self._number = 0
        self._at = Position(-1, 0)
        self._open_text: type[TextEvent] | None = None
        self._changed = asyncio.Event()
        self.closing: ClosingEvent | None = None

    def append(self, event: Event) -> None:
        """Add an event; a closing event ends the log."""
        if self.closing is not None:
            raise RuntimeError(f"the log is closed: {event.event!r} came too late")
        self._at = self._next_position(event)
        self._number += 1
        self._entries.append(Entry(self._number, self._at, event))
        if isinstance(event, ClosingEvent):
            self.closing = event
        if len(self._entries) >= self._fold_at:
            self._entries = [_join(list(group)) for _, group in groupby(self._entries, _group)]
            self._fold_at = max(self._fold_at, 2 * len(self._entries))
        self._changed.set()
        self._changed = asyncio.Event()

    def begin_text(self) -> None:
        """Let the next text begin a part of its own, even if it follows one of its kind."""
        self._open_text = None

    async def follow(self) -> AsyncIterator[Entry]:
        """Yield every entry, as they come, to the closing event."""
        number, at = 0, Position(-1, 0)
        while number < self._number or self.closing is None:
            first = bisect_right(self._entries, number, key=lambda entry: entry.number)
            for entry in self._entries[first:]:
                yield entry.behind(at)
                number, at = entry.number, entry.at
            if number == self._number and self.closing is None:
                await self._changed.wait()

    async def closed(self) -> ClosingEvent:
        """Wait for the end and return how it came."""
        while self.closing is None:
            await self._changed.wait()
        return self.closing

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


def _group(entry: Entry) -> int:
    """Entries of one number belong together: the texts of one part. Others stay alone."""
    return entry.at.part if isinstance(entry.event, TextEvent) else -entry.number


def _join(group: list[Entry]) -> Entry:
    last = group[-1]
    if not isinstance(last.event, TextEvent):
        return last
    text = "".join(entry.event.text for entry in group if isinstance(entry.event, TextEvent))
    return Entry(last.number, last.at, type(last.event)(text=text))
