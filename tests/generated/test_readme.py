"""The README's first command, as written, in a clean clone."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.docs.test_docs import shell_blocks


@pytest.mark.skipif(os.name == "nt", reason="the README's commands are for a POSIX shell")
def test_the_first_command_ends_with_a_streamed_answer(checkout: Path) -> None:
    command = shell_blocks(checkout / "README.md")[0]
    env = {key: value for key, value in os.environ.items() if key not in ("UV", "VIRTUAL_ENV")}
    done = subprocess.run(
        ["bash", "-c", command], cwd=checkout, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "This is the offline demo model" in done.stdout
    assert "Made hello in" in done.stderr
    made = checkout.parent / "hello"
    assert (made / ".venv").is_dir()
    assert (made / "data").is_dir()
    assert not (made / ".env").stat().st_mode & 0o077
