"""Text files of sections and keyed entries, merged entry by entry.

What the format is (TOML, dotenv) is known by who makes the chunks, and by the `BlockMerge` that
says when two entries mean the same.
"""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from .lists import KeyedMerge, Path, Verdicts, merged_comments, no_new_comments, unique


@dataclass(frozen=True)
class Chunk:
    """A run of whole lines: a section's header, a keyed entry, or what stands in between."""

    kind: Literal["trivia", "header", "entry"]
    key: Path
    text: str


@dataclass(frozen=True)
class Block:
    """An entry with the blank lines and comments above it."""

    lead: str
    text: str


@dataclass(frozen=True)
class Section:
    lead: str
    header: str
    blocks: Mapping[Path, Block]
    tail: str = ""
    """Comments that follow the last entry without a blank line."""


@dataclass(frozen=True)
class Document:
    sections: Mapping[Path, Section]
    tail: str

    @property
    def text(self) -> str:
        sections = self.sections.values()
        return "".join(_section_text(section) for section in sections) + self.tail


def _section_text(section: Section) -> str:
    blocks = "".join(block.lead + block.text for block in section.blocks.values())
    return section.lead + section.header + blocks + section.tail


def document(chunks: Iterable[Chunk]) -> Document:
    """The sections of a file; what stands before the first header is the section `()`."""
    sections: dict[Path, Section] = {}
    key, lead, header, blocks, gap = Path(), "", "", dict[Path, Block](), ""
    for chunk in chunks:
        if chunk.kind == "trivia":
            gap += chunk.text
        elif chunk.kind == "entry":
            blocks[unique(chunk.key, blocks)] = Block(gap, chunk.text)
            gap = ""
        else:
            tail, gap = _split_gap(gap)
            sections[key] = Section(lead, header, blocks, tail)
            key, lead, header, blocks = unique(chunk.key, sections), gap, chunk.text, {}
            gap = ""
    tail, gap = _split_gap(gap + "\n")
    sections[key] = Section(lead, header, blocks, tail)
    return Document(sections, gap[:-1])


def _split_gap(gap: str) -> tuple[str, str]:
    """Comments that belong to what is above, and the rest: a blank line parts them."""
    lines = gap.splitlines(keepends=True)
    blank = next((i for i, line in enumerate(lines) if not line.strip()), 0)
    return "".join(lines[:blank]), "".join(lines[blank:])


class BlockMerge(KeyedMerge[Path, Block]):
    """Entries of one section; `both_texts` and `unedited_text` know the format."""

    stays_whole = False
    """Whether a section that goes is kept with all its entries when you edited one of them."""

    def __init__(self, verdicts: Verdicts, section: Path = ()) -> None:
        super().__init__(verdicts)
        self.section = section

    @abstractmethod
    def unedited_text(self, base: str, other: str) -> bool: ...

    @abstractmethod
    def both_texts(self, key: Path, base: str | None, yours: str, new: str) -> str: ...

    def show(self, part: Block) -> str:
        return part.text

    def unedited(self, base: Block, other: Block) -> bool:
        return no_new_comments(base.lead, other.lead) and self.unedited_text(base.text, other.text)

    def both(self, key: Path, base: Block | None, yours: Block, new: Block) -> Block:
        lead = merged_comments(
            self.verdicts, self.where(key), base.lead if base else None, yours.lead, new.lead
        )
        return Block(lead, self.both_texts(key, base.text if base else None, yours.text, new.text))


class SectionMerge(KeyedMerge[Path, Section]):
    """Sections of a file; `blocks` merges what is in one."""

    def __init__(self, verdicts: Verdicts, blocks: type[BlockMerge]) -> None:
        super().__init__(verdicts)
        self.blocks = blocks

    def where(self, key: Path) -> str:
        return ".".join(key) or "the beginning"

    def show(self, part: Section) -> str:
        return part.header

    def unedited(self, base: Section, other: Section) -> bool:
        blocks = self.blocks(self.verdicts)
        return (
            no_new_comments(base.lead + base.tail, other.lead + other.tail)
            and other.blocks.keys() <= base.blocks.keys()
            and all(blocks.unedited(base.blocks[key], other.blocks[key]) for key in other.blocks)
        )

    def settle(
        self, key: Path, base: Section | None, yours: Section | None, new: Section | None
    ) -> Section | None:
        if base and yours and not new and self._falls_apart(base, yours):
            # What is yours stays, and the header with it.
            rest = self.both(key, base, yours, replace(base, blocks={}))
            if rest.blocks:
                return rest
        return super().settle(key, base, yours, new)

    def _falls_apart(self, base: Section, yours: Section) -> bool:
        """Whether each entry of a section that goes is judged alone."""
        if self.unedited(base, yours):
            return False
        if self.verdicts.favor == "theirs" or not self.blocks.stays_whole:
            return True
        theirs = {key: block for key, block in yours.blocks.items() if key in base.blocks}
        complete = theirs.keys() == base.blocks.keys()
        return complete and self.unedited(base, replace(yours, blocks=theirs))

    def both(self, key: Path, base: Section | None, yours: Section, new: Section) -> Section:
        base = base or Section("", "", {})
        say, where = self.verdicts, self.where(key)
        return Section(
            merged_comments(say, where, base.lead, yours.lead, new.lead),
            yours.header,
            self.blocks(say, key).merge(base.blocks, yours.blocks, new.blocks),
            merged_comments(say, where, base.tail, yours.tail, new.tail),
        )


def merged_document(
    base: Document, yours: Document, new: Document, verdicts: Verdicts, blocks: type[BlockMerge]
) -> Document:
    sections = SectionMerge(verdicts, blocks).merge(base.sections, yours.sections, new.sections)
    tail = merged_comments(verdicts, "the end", base.tail, yours.tail, new.tail)
    return Document(sections, tail)
