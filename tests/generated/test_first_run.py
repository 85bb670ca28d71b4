"""`mai new --run`: served until Ctrl-C, on a free port."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import httpx2
import pytest

from tests.generated.served import frames, token_of


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
            own = (tmp_path / "shop" / ".env").read_text(encoding="utf-8").splitlines()
            assert f"SERVER_PORT={port}" in own
            assert "API_TOKEN in .env" in told
            it_answers_who_has_the_key(f"http://127.0.0.1:{port}", token_of(tmp_path / "shop"))
            os.killpg(process.pid, signal.SIGINT)
            answer, rest = process.communicate(timeout=60)
    assert process.returncode == 0, told + rest
    assert "This is the offline demo model" in answer
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def it_answers_who_has_the_key(url: str, key: str | None) -> None:
    run, asked = f"{url}/api/v1/agents/assistant/run", {"message": "Hello!", "stream": True}
    refused = httpx2.post(run, json=asked)
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "unauthenticated"
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": f"{key}"}):
        with httpx2.stream("POST", run, json=asked, headers=headers) as answer:
            told = [frame.event for frame in frames(answer.raise_for_status())]
        assert (told[0], told[-1]) == ("meta", "done")
        assert "delta" in told
