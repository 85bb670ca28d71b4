"""`.env.example` merged per key."""

import re
from collections.abc import Iterator
from dataclasses import replace

from .documents import Block, BlockMerge, Chunk, Document, document, merged_document
from .lists import Favor, Merged, Path, Verdicts, merged_bytes

_SECTION = re.compile(r"#\s*-{2,}\s*(?P<title>.+?)\s*-{2,}\s*$")
# A key that is commented out is in capitals: else it is prose with an equals sign.
_ENTRY = re.compile(r"\s*(?:export\s+)?(?P<key>[A-Za-z_]\w*)\s*=|#\s?(?P<off>[A-Z_][A-Z0-9_]*)=")


def merge_env_example(base: bytes, yours: bytes, new: bytes, favor: Favor = "ours") -> Merged:
    """Yours with the keys that `new` adds, drops or changes; `# KEY=value` is a key, too.

    A key's comment lines go with it, a section's header with the section.
    """
    verdicts = Verdicts(favor)

    def merge(was: str, mine: str, wanted: str) -> str:
        home = _document(mine)
        return merged_document(
            _at_home(_document(was), home), home, _at_home(_document(wanted), home), verdicts, _Keys
        ).text

    return Merged(merged_bytes(base, yours, new, merge), tuple(verdicts.kept))


def env_keys(content: bytes) -> list[str]:
    """The keys in their order, those that are commented out included."""
    chunks = _chunks(content.decode(errors="surrogateescape"))
    return list(dict.fromkeys(chunk.key[0] for chunk in chunks if chunk.kind == "entry"))


def _document(text: str) -> Document:
    return document(_chunks(text))


def _chunks(text: str) -> Iterator[Chunk]:
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        if section := _SECTION.match(line):
            yield Chunk("header", (section["title"],), line)
        elif entry := _ENTRY.match(line):
            yield Chunk("entry", (entry["key"] or entry["off"],), line)
        else:
            yield Chunk("trivia", (), line)


def _at_home(other: Document, yours: Document) -> Document:
    """`other` with each key in the section where you have it, so that a moved key is found."""
    homes = {key: name for name, section in yours.sections.items() for key in section.blocks}
    blocks: dict[Path, dict[Path, Block]] = {}
    for name, section in other.sections.items():
        if not section.blocks:
            blocks[name] = {}
        for key, block in section.blocks.items():
            stays = name in yours.sections and key in yours.sections[name].blocks
            blocks.setdefault(name if stays else homes.get(key, name), {})[key] = block
    sections = {**yours.sections, **other.sections}
    return replace(
        other, sections={name: replace(sections[name], blocks=blocks[name]) for name in blocks}
    )


class _Keys(BlockMerge):
    def where(self, key: Path) -> str:
        return key[0]

    def unedited_text(self, base: str, other: str) -> bool:
        return base.strip() == other.strip()

    def both_texts(self, key: Path, base: str | None, yours: str, new: str) -> str:
        was, mine, wanted = (text and text.strip() for text in (base, yours, new))
        if wanted in (was, mine):
            return yours
        if mine == was:
            return new
        return yours if self.verdicts.keeps(self.where(key), yours, new) else new
