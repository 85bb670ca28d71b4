"""Keyed lists merged three-way: your order and your text, with what the new version changed."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Favor = Literal["ours", "theirs"]
Path = tuple[str, ...]
K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True)
class Merged:
    """A merged file, and one line for each place where both sides wanted something else."""

    content: bytes
    kept: tuple[str, ...]


class Verdicts:
    """Decides where both sides changed one thing, and notes each decision for people."""

    def __init__(self, favor: Favor) -> None:
        self.favor = favor
        self.kept: list[str] = []

    def keeps(self, where: str, yours: str, new: str) -> bool:
        """Whether `yours` stays; an empty text says that this side removed it."""
        kept = self.favor == "ours"
        self.kept.append(f"{where}: {(_kept if kept else _taken)(_short(yours), _short(new))}")
        return kept


def _kept(yours: str, new: str) -> str:
    if not yours:
        return f"you removed it, the new version has `{new}`"
    return f"yours `{yours}` kept, the new version " + (f"has `{new}`" if new else "removes it")


def _taken(yours: str, new: str) -> str:
    if not new:
        return f"yours `{yours}` removed, as in the new version"
    was = f"yours was `{yours}`" if yours else "you had removed it"
    return f"`{new}` of the new version taken, {was}"


def _short(text: str, limit: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit]}…"


class KeyedMerge(ABC, Generic[K, T]):
    """How the parts of one list are told apart and settled."""

    def __init__(self, verdicts: Verdicts) -> None:
        self.verdicts = verdicts

    @abstractmethod
    def where(self, key: K) -> str: ...

    @abstractmethod
    def show(self, part: T) -> str: ...

    @abstractmethod
    def unedited(self, base: T, other: T) -> bool:
        """Whether `other` says nothing that `base` does not, in its comments neither."""

    @abstractmethod
    def both(self, key: K, base: T | None, yours: T, new: T) -> T: ...

    def merge(self, base: Mapping[K, T], yours: Mapping[K, T], new: Mapping[K, T]) -> dict[K, T]:
        """Yours in your order; what is added stands after its nearest predecessor in `new`."""
        merged: dict[K, T] = {}
        for key, mine in yours.items():
            settled = self.settle(key, base.get(key), mine, new.get(key))
            if settled is not None:
                merged[key] = settled
        order, at = list(merged), 0
        for key, wanted in new.items():
            if key not in yours:
                settled = self.settle(key, base.get(key), None, wanted)
                if settled is None:
                    continue
                merged[key] = settled
                order.insert(at, key)
            if key in merged:
                at = order.index(key) + 1
        return {key: merged[key] for key in order}

    def settle(self, key: K, base: T | None, yours: T | None, new: T | None) -> T | None:
        """What becomes of one part; None is one that is not there."""
        if yours is not None and new is not None:
            return self.both(key, base, yours, new)
        there = new if yours is None else yours
        if base is None or there is None:
            return there
        if self.unedited(base, there):
            return None
        shown = self.show(there)
        keeps = self.verdicts.keeps(
            self.where(key), "" if yours is None else shown, "" if new is None else shown
        )
        return yours if keeps else new


def comment_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def no_new_comments(base: str, other: str) -> bool:
    """Whether all comment lines of `other` are in `base`, too."""
    return set(comment_lines(other)) <= set(comment_lines(base))


def unique(key: Path, taken: Iterable[Path]) -> Path:
    """`key`, marked when it is there already: the second of its name is a part of its own."""
    while key in taken:
        key = (*key, "again")
    return key


def merged_comments(verdicts: Verdicts, where: str, base: str | None, yours: str, new: str) -> str:
    """Blank lines and comments: a side that changed no comment gives way."""
    was, mine, wanted = (comment_lines(text or "") for text in (base, yours, new))
    if wanted in (was, mine):
        return yours
    if mine == was:
        return new
    keeps = verdicts.keeps(f"comment of {where}", " ".join(mine), " ".join(wanted))
    return yours if keeps else new


def merged_bytes(
    base: bytes, yours: bytes, new: bytes, merge: Callable[[str, str, str], str]
) -> bytes:
    """What `merge` makes of the three texts, with the line ends of `yours`.

    `merge` sees whole lines that end with a line feed, but for a file of yours that mixes both
    ends. Bytes that are not UTF-8 survive as surrogates.
    """
    crlf = 0 < yours.count(b"\n") == yours.count(b"\r\n")
    was, wanted = _text(base, crlf=True), _text(new, crlf=True)
    mine = _text(yours, crlf=crlf)
    if was == mine:
        result = wanted
    elif wanted in (was, mine):
        return yours
    else:
        result = merge(_ended(was), _ended(mine), _ended(wanted))
        result = result if mine.endswith("\n") else result.removesuffix("\n")
    result = result.replace("\n", "\r\n") if crlf else result
    return result.encode(errors="surrogateescape")


def _text(content: bytes, *, crlf: bool) -> str:
    text = content.decode(errors="surrogateescape")
    return text.replace("\r\n", "\n") if crlf else text


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
