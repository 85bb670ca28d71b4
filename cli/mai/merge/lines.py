"""Three versions of one file's content, merged by lines as git does it."""

from dataclasses import dataclass
from typing import Literal

Favor = Literal["ours", "theirs"] | None


@dataclass(frozen=True)
class Labels:
    """What stands at the markers of a conflict, beside `yours`."""

    new: str = "mai"
    """Whose the new side is, such as `mai 0.2.0`."""
    base: str = "base"
    """What both sides come from."""


_CRLF, _LF = b"\r\n", b"\n"


def is_binary(content: bytes) -> bool:
    return b"\0" in content


def line_end(content: bytes) -> bytes | None:
    """The line end of every line, or None: binary, no line end at all, or mixed ones."""
    crlf, lf = content.count(_CRLF), content.count(_LF)
    if not lf or crlf not in (0, lf) or is_binary(content):
        return None
    return _CRLF if crlf else _LF


def with_lf(content: bytes) -> bytes:
    """`content` with LF where all its lines end in CRLF, else as it is."""
    return content.replace(_CRLF, _LF) if line_end(content) == _CRLF else content


def is_same(one: bytes, other: bytes) -> bool:
    """Whether two versions differ in nothing but the line end of every line."""
    return with_lf(one) == with_lf(other)


def with_merged_line_end(content: bytes, base: bytes, yours: bytes, new: bytes) -> bytes:
    """`content` with the line end that you changed to, else the new one's: CRLF stays CRLF.

    Binary content and mixed line ends stay as they are.
    """
    mine = line_end(yours)
    end = line_end(new) if mine in (None, line_end(base)) else mine
    if end is None or line_end(content) in (None, end):
        return content
    return with_lf(content).replace(_LF, end)


def merge_lines(
    base: bytes | None, yours: bytes, new: bytes, *, labels: Labels, favor: Favor = None
) -> tuple[bytes, int]:
    """The merged text and its number of conflict blocks.

    The blocks are zdiff3, or two-way where `base` is None, with `yours` and `labels` at their
    markers; `favor` settles each of them for one side. A version with CRLF merges as LF, one
    that mixes line ends as it is; the result gets the line end of `with_merged_line_end`.
    """
    from .libgit2 import merge_file  # 70 ms, which most operations do without

    was = None if base is None else with_lf(base)
    merged, hunks = merge_file(was, with_lf(yours), with_lf(new), labels, favor)
    return with_merged_line_end(merged, base or b"", yours, new), hunks
