"""TOML as text: where statements and array items begin and end. Takes valid TOML only."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .lists import Path

_TOKEN = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?'{3,5}|"(?:\\.|[^"\\])*"|'[^']*\''''
    r"""|\#[^\n]*|\n|[^\S\n]+|[][{},=]|[^]\s"'#[{},=]+""",
    re.DOTALL,
)
_DEPTH = {"[": 1, "{": 1, "]": -1, "}": -1}


@dataclass(frozen=True)
class Item:
    """An item of an array or inline table."""

    lead: str
    """White space and comments above it."""
    value: str
    trail: str
    """The comment behind it on its line, after the comma."""


@dataclass(frozen=True)
class Container:
    """An array or inline table."""

    opening: str
    """The bracket and the comment on its line."""
    items: tuple[Item, ...]
    comma: bool
    """Whether a comma follows the last item."""
    end: str
    """What stands between the last item and the closing bracket."""
    closing: str

    @property
    def text(self) -> str:
        last = len(self.items) - 1
        items = "".join(
            item.lead + item.value + ("," if index < last or self.comma else "") + item.trail
            for index, item in enumerate(self.items)
        )
        return self.opening + items + self.end + self.closing


def statements(text: str) -> Iterator[str]:
    """Headers, key-value pairs, blank and comment lines, each with its line end."""
    start = 0
    for end in _at_top(text, "\n"):
        yield text[start:end]
        start = end
    if text[start:]:
        yield text[start:]


def split_statement(text: str) -> tuple[str, str, str]:
    """What stands before the value (`key = `), the value, and what follows it."""
    equals = next(_at_top(text, "="))
    value = text[equals:].lstrip()
    start = len(text) - len(value)
    end = _end_of_value(text, start)
    return text[:start], text[start:end], text[end:]


def split_container(text: str) -> Container:
    """The parts of an array or inline table."""
    comment, inner = _same_line_comment(text[1:-1])
    items, start = list[Item](), 0
    for comma in _at_top(inner, ","):
        items, lead, rest = _next_item(items, inner[start : comma - 1])
        items.append(Item(lead, rest, ""))
        start = comma
    with_comma = len(items)
    items, lead, rest = _next_item(items, inner[start:])
    if rest:
        end = _end_of_value(rest, 0)
        trail, after = _same_line_comment(rest[end:])
        items.append(Item(lead, rest[:end], trail))
        lead = after
    return Container(text[0] + comment, tuple(items), len(items) == with_comma > 0, lead, text[-1])


def _next_item(items: list[Item], piece: str) -> tuple[list[Item], str, str]:
    """The comment at the start of `piece` goes to the item before; then lead and the rest."""
    if items:
        trail, piece = _same_line_comment(piece)
        items = [*items[:-1], Item(items[-1].lead, items[-1].value, trail)]
    rest = re.sub(r"\A(?:\s|#[^\n]*)*", "", piece)
    return items, piece[: len(piece) - len(rest)], rest


def _same_line_comment(text: str) -> tuple[str, str]:
    found = re.match(r"[^\S\n]*#[^\n]*", text)
    return (found[0], text[found.end() :]) if found else ("", text)


def _at_top(text: str, wanted: str) -> Iterator[int]:
    """Where each `wanted` outside of brackets, strings and comments ends."""
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += _DEPTH.get(token[0], 0)
        if token[0] == wanted and depth == 0:
            yield token.end()


def _end_of_value(text: str, start: int) -> int:
    tokens = _TOKEN.finditer(text, start)
    return max(t.end() for t in tokens if t[0].strip() and not t[0].startswith("#"))


def comments(text: str) -> set[str]:
    """The comments in a part of a file."""
    return {t[0].strip() for t in _TOKEN.finditer(text) if t[0].startswith("#")}


def key_path(text: str) -> Path:
    """The names that a header or a `key = value` leads through."""
    names: list[str] = []
    inside: Any = tomllib.loads(text)
    while isinstance(inside, dict) and inside:
        (name,) = inside
        names.append(name)
        inside = inside[name]
        inside = inside[0] if isinstance(inside, list) else inside
    return tuple(names)


def meaning(text: str) -> str:
    """Equal for two statements, or two values behind `key =`, that say the same."""
    return repr(tomllib.loads(text))
