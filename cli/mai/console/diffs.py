"""What a file would become, as a unified diff."""

from collections.abc import Iterable
from difflib import unified_diff

from ..plan.outcomes import Outcome


def diff(outcome: Outcome) -> str:
    """The unified diff of one file."""
    return "".join(_diff(outcome))


def _diff(outcome: Outcome) -> Iterable[str]:
    before = _lines(outcome.before.content if outcome.before else b"")
    after = _lines(outcome.file.content if outcome.file else b"")
    if before is None or after is None:
        return ["  (binary)\n"]
    return unified_diff(before, after, f"a/{outcome.path}", f"b/{outcome.path}")


def _lines(content: bytes) -> list[str] | None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return [f"{line}\n" for line in text.splitlines()]
