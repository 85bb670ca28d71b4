"""Where in a plugin's files a fault lies, as `FILE:LINE`: where its author looks first."""

import re
import sys
import tomllib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from traceback import walk_stack, walk_tb
from types import CodeType, FrameType
from typing import Any

from pluggy import PluginValidationError

from ..errors import MaiError

_Frames = Iterable[tuple[FrameType, int]]


def of_error(error: BaseException, package: str) -> str:
    """Of what was raised in `package`; nothing when none of its lines is to blame."""
    if isinstance(error, MaiError):
        return error.where
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_file():
        return f"{error.filename}:{error.lineno}"
    if isinstance(error, PluginValidationError):
        return _of_hook(error)
    return _innermost(walk_tb(error.__traceback__), package)


def of_thread(thread: Thread, package: str) -> str:
    """Of what does not come to an end."""
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - its one name
    return _innermost(reversed([*walk_stack(frame)]), package) if frame else ""


def _innermost(frames: _Frames, package: str) -> str:
    own = [
        f"{frame.f_code.co_filename}:{line}"
        for frame, line in frames
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package
    ]
    return own[-1] if own else ""


def _of_hook(error: PluginValidationError) -> str:
    """The hook of which pluggy tells, and tells no more than its name."""
    for name in re.findall(r"hook '(\w+)'", str(error)):
        code = getattr(getattr(error.plugin, name, None), "__code__", None)
        if isinstance(code, CodeType):
            return f"{code.co_filename}:{code.co_firstlineno}"
    return ""


def line_in_toml(text: str, path: Sequence[str | int]) -> int | None:
    """The line where the last part of `path` that is stated at all begins."""
    lines = text.splitlines()
    found: dict[int, int] = {}
    begin = 1
    for number in range(1, len(lines) + 1):
        with suppress(tomllib.TOMLDecodeError):  # in the midst of a value of many lines
            stated = tomllib.loads("\n".join(lines[:number]))
            for length in range(1, len(path) + 1):
                if _has(stated, path[:length]):
                    found.setdefault(length, begin)
            begin = number + 1
    return found[max(found)] if found else None


def _has(stated: Any, path: Sequence[str | int]) -> bool:
    try:
        for part in path:
            stated = stated[part]
    except (LookupError, TypeError):
        return False
    return True


def line_of_broken_toml(text: str, error: tomllib.TOMLDecodeError) -> int:
    """The line that `error` tells."""
    told = re.search(r"\(at line (\d+)", str(error))
    return int(told[1]) if told else max(1, len(text.splitlines()))
