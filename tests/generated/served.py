"""A rendered project, served on loopback by a process of its own and driven as a client would."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from dotenv import dotenv_values

from tests.services import free_port


@dataclass(frozen=True)
class Frame:
    event: str
    data: Any
    id: str | None


@dataclass(frozen=True)
class Served:
    """A server, and a client of its agent."""

    client: httpx2.Client
    process: subprocess.Popen[bytes]
    agent: str

    @property
    def run_path(self) -> str:
        return f"/api/v1/agents/{self.agent}/run"

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1{path}").raise_for_status().json()

    def ask(self, message: str, session_id: str | None = None) -> Any:
        body = {"message": message, "session_id": session_id}
        return self.client.post(self.run_path, json=body).raise_for_status().json()

    @contextmanager
    def streaming(self, message: str, **more: Any) -> Iterator[Iterator[Frame]]:
        """The events of an answer; who leaves early is a client that is gone."""
        body = {"message": message, "stream": True, **more}
        with self.client.stream("POST", self.run_path, json=body) as response:
            yield frames(response.raise_for_status())

    def stop(self, session_id: str) -> None:
        path = f"/api/v1/agents/{self.agent}/stop"
        self.client.post(path, json={"session_id": session_id}).raise_for_status()

    def messages(self, session_id: str) -> Any:
        return self.get(f"/sessions/{session_id}/messages")["items"]

    def run_of(self, run_id: str) -> Any:
        return self.get(f"/runs/{run_id}")

    def until_ended(self, run_id: str, timeout_s: float = 40) -> Any:
        deadline = time.monotonic() + timeout_s
        while (run := self.run_of(run_id))["status"] == "running":
            assert time.monotonic() < deadline, run
            time.sleep(0.1)
        return run


def frames(response: httpx2.Response) -> Iterator[Frame]:
    """The events of a stream, as the specification of server-sent events reads them."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif not line and fields:
            yield Frame(fields["event"], json.loads(fields["data"]), fields.get("id"))
            fields = {}


def text(told: list[Frame]) -> str:
    """What the model said, as far as a client was told."""
    return "".join(frame.data["text"] for frame in told if frame.event == "delta")


@contextmanager
def serving(project: Path, agent: str = "assistant", **settings: str) -> Iterator[Served]:
    """Serves a project whose package is `shop`, with these variables above its `.env`.

    The client is whoever `init` has made a key for, if it has.
    """
    port, token = free_port(), token_of(project)
    headers = {"Authorization": f"Bearer {token}"} if token else None
    process = subprocess.Popen(
        [sys.executable, "-m", "shop", "serve", "--port", str(port)],
        cwd=project,
        env=_environment(project) | settings,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        with httpx2.Client(base_url=url, headers=headers, timeout=30) as client:
            _await_health(client, process)
            yield Served(client, process, agent)
    finally:
        process.terminate()
        process.wait(timeout=30)


def token_of(project: Path) -> str | None:
    """The key in a project's `.env`."""
    env = project / ".env"
    return dotenv_values(env).get("API_TOKEN") if env.exists() else None


def command(project: Path, *arguments: str) -> str:
    """What a command of the project prints."""
    line = [sys.executable, "-m", "shop", *arguments]
    env = _environment(project)
    done = subprocess.run(line, cwd=project, env=env, check=True, stdout=subprocess.PIPE)
    return done.stdout.decode()


def _await_health(client: httpx2.Client, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        try:
            if client.get("/health").is_success:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise TimeoutError("/health never answered")


def _environment(project: Path) -> dict[str, str]:
    own = {"PYTHONPATH": str(project / "src"), "LOG_LEVEL": "WARNING", "RUNS__LEASE_S": "2"}
    return {**os.environ, **own, "RUNS__GRACE_S": "0.1"}
