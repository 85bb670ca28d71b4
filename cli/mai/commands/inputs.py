"""Answers that were named on the command line: a file, or stdin."""

import sys
import tomllib
from pathlib import Path
from typing import Any

import yaml

from ..errors import UsageError


def read_answers(source: str) -> dict[str, Any]:
    """The mapping in a YAML, JSON or TOML file, or in stdin when `source` is `-`.

    Raises `UsageError` naming the file and what is wrong with it.
    """
    shown = "stdin" if source == "-" else repr(source)
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        stated = _parse(text, is_toml=source.endswith(".toml"))
    except OSError as error:
        raise UsageError(f"--answers {shown}: {error.strerror}") from error
    except (yaml.YAMLError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--answers {shown} is neither YAML nor TOML: {error}") from error
    if not isinstance(stated, dict) or not all(isinstance(key, str) for key in stated):
        raise UsageError(
            f"--answers {shown}: expected a mapping of answers", "such as database: postgresql"
        )
    return stated


def _parse(text: str, *, is_toml: bool) -> Any:
    if is_toml:
        return tomllib.loads(text)
    try:
        stated = yaml.safe_load(text)
    except yaml.YAMLError:
        return tomllib.loads(text)
    # TOML without tables is one plain string to YAML.
    return tomllib.loads(text) if isinstance(stated, str) else stated or {}
