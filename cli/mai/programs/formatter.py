"""The tools that a project's Python may be formatted by, with the project's own settings."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from ..merge.edits import Formatter
from .process import environment

_SETTINGS = ("pyproject.toml", "ruff.toml", ".ruff.toml")
_COMMANDS = {
    "ruff": ("format", "--quiet", "--no-cache"),
    "black": ("--quiet", "--fast"),
}


def formatters(project: Path) -> list[Formatter]:
    """Those of ruff and black that the project's environment or PATH has.

    Each takes sources by path and gives them formatted; one with a syntax error is left out.
    """
    found = {name: _find(project, name) for name in _COMMANDS}
    return [
        partial(_format, project, (program, *_COMMANDS[name]))
        for name, program in found.items()
        if program
    ]


def _find(project: Path, name: str) -> str | None:
    scripts = project / ".venv" / ("Scripts" if os.name == "nt" else "bin")
    return shutil.which(name, path=str(scripts)) or shutil.which(name)


def _format(
    project: Path, command: tuple[str, ...], sources: Mapping[str, bytes]
) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="mai-") as folder:
        copy = Path(folder).resolve()
        for name in _SETTINGS:
            if (project / name).is_file():
                shutil.copyfile(project / name, copy / name)
        for path, content in sources.items():
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            (copy / path).write_bytes(content)
        # It ends with an error when one file has a syntax error; the others are formatted.
        subprocess.run(
            [*command, "."], cwd=copy, env=environment(), capture_output=True, check=False
        )
        return {path: (copy / path).read_bytes() for path in sources}
