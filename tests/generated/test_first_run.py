"""`mai new --run`: served until Ctrl-C, on a free port."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest


@pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups of this kind")
def test_it_stays_until_ctrl_c_and_ends_the_server(tmp_path: Path) -> None:
    with closing(socket.socket()) as busy:
        with suppress(OSError):  # somebody else has it: as good
            busy.bind(("127.0.0.1", 8000))
            busy.listen()
        command = [sys.executable, "-m", "mai", "new", "shop", "--defaults", "--no-git", "--run"]
        with subprocess.Popen(
            command,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stderr is not None
            told = ""
            for line in process.stderr:
                told += line
                if "until Ctrl-C" in line:
                    break
            port = int(re.findall(r"http://127\.0\.0\.1:(\d+)", told)[0])
            assert port > 8000
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                pass
            os.killpg(process.pid, signal.SIGINT)
            answer, rest = process.communicate(timeout=60)
    assert process.returncode == 0, told + rest
    assert "This is the offline demo model" in answer
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
