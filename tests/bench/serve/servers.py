"""The servers that are compared, each a process of its own, and what they cost."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests import trees
from tests.services import free_port

ROOT = Path(__file__).parents[3]
RUN = "/api/v1/agents/assistant/run"

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_START_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Server:
    """A running server: where it is asked, and which process it is."""

    port: int
    path: str
    pid: int

    def cpu_s(self) -> float:
        """The CPU time that its process has taken."""
        # The clock of another process, to the nanosecond; `/proc` counts in hundredths.
        return time.clock_gettime(~self.pid << 3 | 2)

    def memory_mb(self) -> float:
        """Its resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize() / 2**20


@contextmanager
def model() -> Iterator[str]:
    """A running model server's URL."""
    port = free_port()
    with _running(["tests.bench.serve.model", str(port)], ROOT, port):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def reference(name: str, model_url: str, project: Path) -> Iterator[Server]:
    """`proxy`, `straightforward` or `gathered`, served by uvicorn as a project is."""
    port = free_port()
    app = f"tests.bench.serve.{name}:app"
    arguments = ["uvicorn", app, "--port", str(port), "--no-access-log", "--app-dir", str(ROOT)]
    with _running(arguments, project, port, MODEL_URL=model_url) as pid:
        yield Server(port, "/run", pid)


@contextmanager
def project(folder: Path, model_url: str, database_url: str, window_s: float) -> Iterator[Server]:
    """A rendered project, served by its own command, with a model server to ask."""
    settings = {
        "DATABASE_URL": database_url,
        "DEFAULT_MODEL": "lmstudio:bench",
        "LM_STUDIO__BASE_URL": model_url,
        "LLM__GATHER_WINDOW_S": str(window_s),
        "MAX_CONCURRENT_TASKS": "1000",
    }
    upgrade = [sys.executable, "-m", "shop", "db", "upgrade"]
    env = environment(folder, **settings)
    subprocess.run(upgrade, cwd=folder, env=env, check=True, capture_output=True)
    with served(folder, **settings) as server:
        yield server


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[Server]:
    """A rendered project, served by its own command."""
    port = free_port()
    with _running(["shop", "serve", "--port", str(port)], folder, port, **settings) as pid:
        yield Server(port, RUN, pid)


def render(folder: Path) -> Path:
    """A new project with one agent, which has no tools."""
    return trees.write(trees.manifest("shop", "minimal"), folder)


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """What a process in `folder` is given; modules are compiled once, as on a user's machine."""
    inherited = {key: value for key, value in os.environ.items() if key not in _UNWANTED}
    return {**inherited, "PYTHONPATH": str(folder / "src"), **settings}


_UNWANTED = {"PYTHONDONTWRITEBYTECODE"}


@contextmanager
def _running(module: list[str], folder: Path, port: int, **settings: str) -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-m", *module],
        cwd=folder,
        env=environment(folder, **settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            await_answer(port)
            yield process.pid
        finally:
            process.terminate()


def await_answer(port: int) -> None:
    """Return when a server answers its first request there, whatever it says."""
    deadline = time.perf_counter() + _START_TIMEOUT_S
    with httpx2.Client(trust_env=False) as client:
        while time.perf_counter() < deadline:
            try:
                client.get(f"http://127.0.0.1:{port}/health")
            except httpx2.ConnectError:
                time.sleep(0.005)
            else:
                return
    raise TimeoutError(f"nothing answers on port {port} after {_START_TIMEOUT_S:g} s")


def postgres_cpu_s(folder: Path) -> float:
    """The CPU time of a PostgreSQL's processes, those that have ended included."""
    main = (folder / "postmaster.pid").read_text(encoding="ascii").split()[0]
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, parent, *stat = path.read_text().rpartition(") ")[2].split()
        except OSError:  # has just ended
            continue
        if path.parent.name == main:
            ticks += sum(map(int, stat[9:13]))  # its own, and its ended children's
        elif parent == main:
            ticks += sum(map(int, stat[9:11]))
    return ticks * _TICK_S
