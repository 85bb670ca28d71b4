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
    return run_bytes(command, folder, hint=hint, env=env).decode("utf-8", "replace")


def run_bytes(
    command: list[str],
    folder: Path,
    *,
    stdin: bytes = b"",
    hint: str = "",
    env: Mapping[str, str] | None = None,
) -> bytes:
    """As `run`, for a program whose input or output is not text."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment() if env is None else env,
            input=stdin,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise CommandFailed(command, str(error), hint) from error
    if done.returncode != 0:
        raise CommandFailed(command, (done.stderr or done.stdout).decode("utf-8", "replace"), hint)
    return done.stdout
