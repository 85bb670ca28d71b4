"""The suites of generated projects, run for real: each preset on each database."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import trees

PRESETS = ("minimal", "standard", "full")


def run_suite(project: Path, **environment: str) -> str:
    """Runs the project's own tests with the union environment; returns what pytest said."""
    env = {**os.environ, **environment, "PYTHONPATH": str(project / "src")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider"],
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_passes_its_own_tests_on_sqlite(preset: str, tmp_path: Path) -> None:
    project = trees.write(trees.manifest("Order desk", preset), tmp_path / "order desk")
    assert " passed" in run_suite(project)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_passes_its_own_tests_on_postgresql(
    preset: str, tmp_path: Path, postgres_url: str, redis_url: str
) -> None:
    made = trees.manifest("shop", preset, database="postgresql")
    project = trees.write(made, tmp_path / "shop")
    said = run_suite(project, TEST_DATABASE_URL=postgres_url, TEST_REDIS_URL=redis_url)
    assert "TEST_REDIS_URL" not in said
    assert "TEST_DATABASE_URL" not in said


def test_the_core_alone_without_its_aliases_passes_its_own_tests(tmp_path: Path) -> None:
    made = trees.manifest("shop", "minimal")
    project = trees.write(type(made)(made.project), tmp_path / "shop")
    for folder in ("src/shop/aliases", "tests/aliases"):
        shutil.rmtree(project / folder)
    assert " passed" in run_suite(project)
