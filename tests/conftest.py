"""Fixtures that many rooms' tests share."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from mai.commands.app import run


@dataclass(frozen=True)
class Said:
    """What a command did: its exit code and what it printed."""

    exit_code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        import json

        return json.loads(self.stdout)


class Mai(Protocol):
    def __call__(self, *argv: str | Path, expect: int = 0) -> Said: ...


@pytest.fixture
def mai(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mai:
    """Runs the command in an empty folder, through its front door."""
    monkeypatch.chdir(tmp_path)

    def call(*argv: str | Path, expect: int = 0) -> Said:
        with pytest.raises(SystemExit) as ended:
            run([str(argument) for argument in argv])
        captured = capfd.readouterr()
        code = ended.value.code
        said = Said(code if isinstance(code, int) else 0, captured.out, captured.err)
        assert said.exit_code == expect, f"{said.exit_code}\n{said.stdout}\n{said.stderr}"
        return said

    return call


@pytest.fixture
def lay_out(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Writes a small tree of text files, and gives its root."""

    def write(files: dict[str, str]) -> Path:
        for path, content in files.items():
            destination = tmp_path / path
            destination.parent.mkdir(parents=True, exist_ok=True)
            destination.write_text(content, encoding="utf-8")
        return tmp_path

    return write
