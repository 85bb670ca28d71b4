"""Every preset on both databases, installed for real in an environment of its own."""

import subprocess
import time
from pathlib import Path

import pytest
from mai.programs import process, uv

from tests.conftest import Mai
from tests.generated.test_suites import PRESETS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_installs_migrates_lints_types_and_passes(
    mai: Mai,
    preset: str,
    database: str,
    request: pytest.FixtureRequest,
) -> None:
    mai("new", "shop", "--defaults", "--preset", preset, "-o", f"database={database}")
    project = Path("shop")
    env = process.environment()
    if database == "postgresql":
        url = request.getfixturevalue("new_postgres_url")
        env |= {"DATABASE_URL": url(), "TEST_DATABASE_URL": url()}
        env |= {"TEST_REDIS_URL": request.getfixturevalue("redis_url")}
    for command in (
        ["shop", "init"],
        ["shop", "db", "check"],
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        ["mypy"],
    ):
        _run(project, env, command)
    began = time.monotonic()
    said = _run(project, env, ["pytest", "-q"])
    seconds = time.monotonic() - began
    print(
        f"\n{preset:<9} {database:<11} {_size(project)}, {said.splitlines()[-1]}, {seconds:.0f} s"
    )


def _run(project: Path, env: dict[str, str], command: list[str]) -> str:
    full = [uv.find(), "run", "--locked", *command]
    done = subprocess.run(full, cwd=project, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def _size(project: Path) -> str:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=project, capture_output=True, text=True, check=True
    )
    own = [path for path in listed.stdout.splitlines() if not path.startswith((".mai/", "uv.lock"))]
    lines = sum(len((project / path).read_bytes().splitlines()) for path in own)
    return f"{len(own)} files, {lines} lines"
