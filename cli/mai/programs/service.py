"""The project's own command: served, asked one question, stopped."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import CommandFailed
from .process import environment, run

HOST = "127.0.0.1"
START_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Served:
    """A project that answers at `url` until its block ends."""

    url: str
    process: subprocess.Popen[bytes]

    def wait(self) -> None:
        """Returns when the server ends by itself; Ctrl-C raises `KeyboardInterrupt`."""
        self.process.wait()


@dataclass(frozen=True)
class Service:
    """A generated project with its environment installed."""

    project: Path
    package: str

    def command(self, *arguments: str) -> list[str]:
        """The project's command line, run by its own Python."""
        scripts = "Scripts/python.exe" if os.name == "nt" else "bin/python"
        return [str(self.project / ".venv" / scripts), "-m", self.package, *arguments]

    def init(self) -> None:
        """Writes `.env` and migrates the database."""
        run(self.command("init"), self.project)

    def variable(self, name: str) -> str | None:
        """What `.env` sets `name` to, if it does."""
        lines = self._env.read_text(encoding="utf-8").splitlines()
        set_to = (line.removeprefix(f"{name}=") for line in lines if line.startswith(f"{name}="))
        return next(set_to, None)

    def set_variable(self, name: str, value: str) -> None:
        """Sets `name` in `.env`, where nothing has set it."""
        with self._env.open("a", encoding="utf-8") as env:
            env.write(f"{name}={value}\n")

    @property
    def _env(self) -> Path:
        return self.project / ".env"

    @contextmanager
    def served(self, port: int) -> Iterator[Served]:
        """Serves on `port` until the block ends; begins once `/health` answers.

        Raises `CommandFailed` with the server's last words when it ends or stays silent.
        """
        log = self.project / "data" / "logs" / "first-run.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        command = self.command("serve", "--host", HOST, "--port", str(port))
        with log.open("w+b") as output:
            server = subprocess.Popen(
                command,
                cwd=self.project,
                env=environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                if not _answers(server, port):
                    raise CommandFailed(command, log.read_text(encoding="utf-8", errors="replace"))
                yield Served(f"http://{HOST}:{port}", server)
            finally:
                _stop(server)

    def chat(self, message: str, url: str) -> None:
        """Asks one question; the answer streams to stdout."""
        sys.stdout.flush()
        command = self.command("chat", message, "--url", url)
        done = subprocess.run(command, cwd=self.project, env=environment(), check=False)
        if done.returncode != 0:
            raise CommandFailed(command, "", f"the server's log is in {self.project / 'data/logs'}")


def free_port(wanted: int) -> int:
    """`wanted`, or the next port above it on which nobody listens."""
    for port in range(wanted, wanted + 200):
        with socket.socket() as probe:
            if os.name != "nt":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise CommandFailed(["serve"], f"no free port from {wanted} to {wanted + 199}")


def _answers(server: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_S
    while server.poll() is None and time.monotonic() < deadline:
        if _healthy(port):
            return True
        time.sleep(0.1)
    return False


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/health")
        response = connection.getresponse()
        return response.status == http.client.OK and "status" in json.load(response)
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(timeout=15)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
