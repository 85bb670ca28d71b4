"""Questions at a real terminal: a pseudo-terminal with a person's keys."""

import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="Windows has no pseudo-terminals of this kind"
)

ENTER, DOWN, SPACE, CTRL_C = b"\r", b"\x1b[B", b" ", b"\x03"


class Terminal:
    """The other end of a terminal: what was shown, and a keyboard."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.shown = ""

    def wait_for(self, text: str, timeout_s: float = 20) -> None:
        deadline = time.monotonic() + timeout_s
        seen = len(self.shown)
        while text not in self.shown[seen:]:
            assert time.monotonic() < deadline, f"{text!r} was not shown:\n{self.shown}"
            ready, _, _ = select.select([self.descriptor], [], [], 0.2)
            if ready:
                self.shown += os.read(self.descriptor, 65536).decode(errors="replace")
                self._answer_cursor_query()

    def press(self, *keys: bytes) -> None:
        for key in keys:
            os.write(self.descriptor, key)
            time.sleep(0.05)

    def rest(self, timeout_s: float = 60) -> str:
        """What is shown until the command ends."""
        deadline = time.monotonic() + timeout_s
        while True:
            ready, _, _ = select.select([self.descriptor], [], [], 0.2)
            assert time.monotonic() < deadline, f"it waits:\n{self.shown}"
            try:
                chunk = os.read(self.descriptor, 65536) if ready else b" "
            except OSError:  # Linux says so when the other end is closed
                return self.shown
            if not chunk:
                return self.shown
            self.shown += chunk.decode(errors="replace") if ready else ""

    def _answer_cursor_query(self) -> None:
        if self.shown.endswith("\x1b[6n"):
            os.write(self.descriptor, b"\x1b[1;1R")


@contextmanager
def at_a_terminal(folder: Path, *argv: str) -> Iterator[tuple[Terminal, int]]:
    """Runs `mai` in a pseudo-terminal of its own."""
    import pty

    pid, descriptor = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.environ.update(TERM="xterm", COLUMNS="100", LINES="40")
        os.execv(sys.executable, [sys.executable, "-m", "mai", *argv])  # noqa: S606 - the child
    try:
        yield Terminal(descriptor), pid
    finally:
        os.close(descriptor)


def exit_code(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_it_asks_for_what_was_not_given(tmp_path: Path) -> None:
    with at_a_terminal(tmp_path, "new", "--no-install", "--no-git") as (terminal, pid):
        terminal.wait_for("What is the project called?")
        terminal.press(b"class", ENTER)
        terminal.wait_for("Python keyword")
        terminal.press(b"\x15", b"Order desk", ENTER)
        terminal.wait_for("start from?")
        terminal.press(ENTER)
        terminal.wait_for("Which database")
        terminal.press(DOWN, ENTER)
        terminal.wait_for("Which model")
        terminal.press(ENTER)
        terminal.wait_for("licence")
        terminal.press(ENTER)
        terminal.wait_for("Anything else to add?")
        terminal.press(ENTER)
        shown = terminal.rest()
        assert exit_code(pid) == 0, shown
    assert "Made order-desk in order-desk" in shown
    manifest = (tmp_path / "order-desk/.mai/manifest.toml").read_text(encoding="utf-8")
    assert 'project_title = "Order desk"' in manifest
    assert 'database = "postgresql"' in manifest


def test_ctrl_c_at_a_question_leaves_nothing(tmp_path: Path) -> None:
    with at_a_terminal(tmp_path, "new", "shop", "--no-install", "--no-git") as (terminal, pid):
        terminal.wait_for("start from?")
        terminal.press(CTRL_C)
        terminal.rest()
        assert exit_code(pid) == 130
    assert list(tmp_path.iterdir()) == []
