"""Starting a program and keeping what it says."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ..errors import CommandFailed

# What mai's own environment says must not lead a project's tools into it.
_OURS = {
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_WORK_TREE",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "VIRTUAL_ENV",
}


def environment() -> dict[str, str]:
    """What a program in the user's project sees; index and proxy settings pass through."""
    return {key: value for key, value in os.environ.items() if key not in _OURS}


def run(
    command: list[str], folder: Path, *, hint: str = "", env: Mapping[str, str] | None = None
) -> str:
    """Runs `command` in `folder` and returns its stdout.

    Raises `CommandFailed` with the last lines of what it said when it fails or is not found.
    """
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment() if env is None else env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise CommandFailed(command, str(error), hint) from error
    if done.returncode != 0:
        raise CommandFailed(command, done.stderr or done.stdout, hint)
    return done.stdout
