"""`pyproject.toml` merged by structure: tables by key, arrays as sets, requirements by name.

The text is cut at statements and array items and put together again, so that all that the merge
does not touch stays byte for byte; what keys and values are is asked of tomllib.
"""

import tomllib
from collections.abc import Iterator
from typing import Any

from .documents import Block, BlockMerge, Chunk, Document, document, merged_document
from .lists import Favor, Merged, Path, Verdicts, merged_bytes
from .toml_text import comments, key_path, meaning, split_statement, statements
from .toml_values import merged_statement


class _Misread(Exception):
    """The merged text does not say what was meant."""


def merge_pyproject(base: bytes, yours: bytes, new: bytes, favor: Favor = "ours") -> Merged | None:
    """Yours with what `new` changed since `base`, in your layout.

    None when one of them is not TOML, or when you wrote a table in a form that cannot take what
    comes (`scripts = {…}` instead of `[project.scripts]`): such files merge as lines.
    """
    verdicts = Verdicts(favor)

    def merge(was: str, mine: str, wanted: str) -> str:
        merged = merged_document(
            _document(was), _document(mine), _document(wanted), verdicts, _Statements
        )
        if _meanings(_document(merged.text)) != _meanings(merged):
            raise _Misread
        return merged.text

    try:
        for content in (base, yours, new):
            tomllib.loads(content.decode())
        return Merged(merged_bytes(base, yours, new, merge), tuple(verdicts.kept))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, _Misread):
        return None


def _document(text: str) -> Document:
    """Raises `TOMLDecodeError` when `text` is not TOML."""
    tomllib.loads(text)
    return document(_chunks(text))


def _chunks(text: str) -> Iterator[Chunk]:
    lines = list(statements(text))
    elements: dict[Path, str] = {}
    for index, line in enumerate(lines):
        start = line.lstrip()
        if not start or start.startswith("#"):
            yield Chunk("trivia", (), line)
        elif start.startswith("["):
            path = key_path(line)
            if start.startswith("[["):
                elements[path] = _first_value(lines[index + 1 :])
            yield Chunk("header", _section_key(path, elements), line)
        else:
            yield Chunk("entry", key_path(split_statement(line)[0] + "0"), line)


def _first_value(following: list[str]) -> str:
    """What tells an element of an array of tables from its siblings: its first line."""
    for line in following:
        start = line.strip()
        if start and not start.startswith("#"):
            return "" if start.startswith("[") else meaning(start)
    return ""


def _section_key(path: Path, elements: dict[Path, str]) -> Path:
    """`path` with the element that each array of tables on it stands at."""
    key: list[str] = []
    for depth, name in enumerate(path, 1):
        key.append(name)
        if path[:depth] in elements:
            key.append(f"[{elements[path[:depth]]}]")
    return tuple(key)


def _meanings(parsed: Document) -> dict[Path, dict[Path, Any]]:
    return {
        name: {key: meaning(block.text) for key, block in section.blocks.items()}
        for name, section in parsed.sections.items()
        if section.header or section.blocks
    }


class _Statements(BlockMerge):
    stays_whole = True

    def where(self, key: Path) -> str:
        return ".".join((*self.section, *key))

    def show(self, part: Block) -> str:
        return split_statement(part.text)[1]

    def unedited_text(self, base: str, other: str) -> bool:
        return meaning(other) == meaning(base) and comments(other) <= comments(base)

    def both_texts(self, key: Path, base: str | None, yours: str, new: str) -> str:
        return merged_statement((*self.section, *key), base, yours, new, self.verdicts)
