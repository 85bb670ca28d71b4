"""`.env`, made once from `.env.example`."""

import os
from pathlib import Path
from secrets import token_urlsafe

PLACEHOLDER = "<generate>"
"""Stands in `.env.example` where each installation needs a secret of its own."""


def write_env_file(example: Path, target: Path) -> None:
    """Copy `example` to `target`, readable by its owner only, with fresh secrets.

    Raises `FileExistsError` rather than overwrite `target`.
    """
    lines = example.read_text("utf-8").splitlines(keepends=True)
    text = "".join(_with_secret(line) for line in lines)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _with_secret(line: str) -> str:
    name, separator, value = line.partition("=")
    if name.lstrip().startswith("#") or value.strip() != PLACEHOLDER:
        return line
    return f"{name}{separator}{token_urlsafe(32)}\n"
