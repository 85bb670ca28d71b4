"""uv: the project's lock and environment."""

import os
import shutil
import sysconfig
from pathlib import Path

from ..errors import Refused
from .process import run

INSTALL_HINT = "install uv (https://docs.astral.sh/uv/), or use --no-install"


def find() -> str:
    """The path of uv: the one that runs mai, else the one on PATH, else the one beside mai.

    Raises `Refused` when there is none.
    """
    if found := os.environ.get("UV") or shutil.which("uv"):
        return found
    beside = Path(sysconfig.get_path("scripts")) / ("uv.exe" if os.name == "nt" else "uv")
    if beside.is_file():
        return str(beside)
    raise Refused("uv was not found; mai installs a project's dependencies with it", INSTALL_HINT)


def shown() -> str:
    """uv as one would type it here: its name when it is on PATH, else where it lies."""
    return "uv" if shutil.which("uv") else os.environ.get("UV", "uv")


def lock(project: Path) -> None:
    """Resolves the project's dependencies, keeping the versions in its `uv.lock` that fit."""
    run([find(), "lock"], project, hint="with no index in reach, use --no-install")


def sync(project: Path) -> None:
    """Installs what the lock says into the project's `.venv`."""
    run([find(), "sync"], project, hint=f"the project is complete: try `uv sync` in {project}")


def check_lock(project: Path) -> None:
    """Raises `CommandFailed` when `uv.lock` is not that of `pyproject.toml`; asks no index."""
    run([find(), "lock", "--check", "--offline"], project)


def version() -> str:
    return run([find(), "--version"], Path.cwd()).strip()
