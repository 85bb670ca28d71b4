import socket
from pathlib import Path

import pytest
from mai.errors import CommandFailed
from mai.programs.service import HOST, Service, free_port


def test_a_busy_port_moves_to_the_next_free_one() -> None:
    with socket.socket() as busy:
        busy.bind((HOST, 0))
        busy.listen()
        taken = busy.getsockname()[1]
        assert taken < free_port(taken) <= taken + 199


@pytest.fixture
def broken(tmp_path: Path) -> Service:
    """A project whose server ends at once."""
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("raise SystemExit('DATABASE_URL: no such host')")
    return Service(tmp_path, "shop")


def test_a_server_that_does_not_start_is_told_with_its_last_words(
    broken: Service, monkeypatch: pytest.MonkeyPatch, own_python: None
) -> None:
    with pytest.raises(CommandFailed, match="DATABASE_URL: no such host"), broken.served(1):
        pass


def test_a_command_that_fails_is_told_with_what_it_said(broken: Service, own_python: None) -> None:
    with pytest.raises(CommandFailed, match="DATABASE_URL: no such host"):
        broken.init()


@pytest.fixture
def own_python(tmp_path: Path) -> None:
    """The environment that the project's command runs in."""
    import venv

    venv.create(tmp_path / ".venv", with_pip=False)
