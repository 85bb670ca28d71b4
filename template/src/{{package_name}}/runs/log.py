"""The event log of one run: one producer appends, any number of readers follow.

A reader is only a position in the log: it costs no queue, and one that is slow or gone holds
nothing up. The log is bounded: when it has grown long, adjacent texts become one entry.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cached_property

from .events import (
    START,
    ClosingEvent,
    Cursor,
    Delta,
    Event,
    Progress,
    Reasoning,
    TextEvent,
    frame,
)

FOLD_AT = 4_096


@dataclass(frozen=True)
class Entry:
    """An event and the position that a reader has reached with it."""

    number: int
    at: Cursor
    event: Event

    @cached_property
    def frame(self) -> bytes:
        """The event as bytes for a client, encoded once for all readers."""
        return frame(self.event, self.at)

    def after(self, reader: Cursor) -> "Entry":
        """Return the entry without the text that a reader at this position already has."""
        if not isinstance(self.event, TextEvent) or self.at.part != reader.part:
            return self
        missing = self.at.offset - reader.offset
        if missing >= len(self.event.text):
            return self
        rest = self.event.text[len(self.event.text) - missing :]
        return Entry(self.number, self.at, type(self.event)(text=rest))


class RunLog:
    """The events of a run so far. Not thread-safe: it belongs to the loop of its run."""

    def __init__(self, fold_at: int = FOLD_AT) -> None:
        self._entries: list[Entry] = []
        self._fold_at = fold_at
        self._number = 0
        self._at = START
        self._open_text: type[TextEvent] | None = None
        self._changed = asyncio.Event()
        self.closing: ClosingEvent | None = None

    def append(self, event: Event) -> None:
        """Add an event; a closing event ends the log."""
        if self.closing is not None:
            raise RuntimeError(
                f"the log is closed: {event.event!r} came after {self.closing.event!r}"
            )
        self._at = self._next_position(event)
        self._number += 1
        self._entries.append(Entry(self._number, self._at, event))
        if isinstance(event, ClosingEvent):
            self.closing = event
        if len(self._entries) >= self._fold_at:
            self._fold()
        self._changed.set()
        self._changed = asyncio.Event()

    def begin_text(self) -> None:
        """Let the next text begin a part of its own, even if it follows one of its kind."""
        self._open_text = None

    async def follow(self, after: Cursor = START) -> AsyncIterator[Entry]:
        """Yield every entry behind `after`, as they come; the closing event always, and last."""
        number = 0
        while True:
            for entry in self._behind(number):
                number = entry.number
                if entry.at > after or isinstance(entry.event, ClosingEvent):
                    yield entry.after(after)
                    after = entry.at
                elif isinstance(entry.event, Progress) and entry.at == after:
                    yield entry
            if number < self._number:
                continue
            if self.closing is not None:
                return
            await self._changed.wait()

    def so_far(self, after: Cursor) -> list[Entry]:
        """Return the entries that there are behind `after`."""
        return [entry.after(after) for entry in self._entries if entry.at > after]

    async def closed(self) -> ClosingEvent:
        """Wait for the end and return how it came."""
        while self.closing is None:
            await self._changed.wait()
        return self.closing

    def _next_position(self, event: Event) -> Cursor:
        if isinstance(event, Progress):
            return self._at  # not stored, so it must not count
        if not isinstance(event, TextEvent):
            self._open_text = None
            return Cursor(self._at.part + 1, 1)
        if self._open_text is type(event):
            return Cursor(self._at.part, self._at.offset + len(event.text))
        self._open_text = type(event)
        return Cursor(self._at.part + 1, len(event.text))

    def _behind(self, number: int) -> list[Entry]:
        return self._entries[bisect_right(self._entries, number, key=lambda entry: entry.number) :]

    def _fold(self) -> None:
        """Make one entry of adjacent texts of one part; readers in their midst get the rest."""
        folded: list[list[Entry]] = []
        for entry in self._entries:
            if folded and _belong_together(folded[-1][-1], entry):
                folded[-1].append(entry)
            else:
                folded.append([entry])
        self._entries = [_join(group) for group in folded]
        self._fold_at = max(self._fold_at, 2 * len(self._entries))


def _belong_together(one: Entry, other: Entry) -> bool:
    texts = isinstance(one.event, TextEvent) and isinstance(other.event, TextEvent)
    return texts and one.at.part == other.at.part


def _join(group: list[Entry]) -> Entry:
    if len(group) == 1:
        return group[0]
    last = group[-1]
    text = "".join(entry.event.text for entry in group if isinstance(entry.event, TextEvent))
    event = Delta(text=text) if isinstance(last.event, Delta) else Reasoning(text=text)
    return Entry(last.number, last.at, event)
