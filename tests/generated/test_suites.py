"""The suites of generated projects, run for real, each test where it can say something new.

The preset with everything is tested from end to end, on each database. All others have the same
Python, but for their components, so they are held to that; the core alone and the standard preset
run the tests that look at what a project is made of. `pytest -m slow` runs the rest.
"""

import os
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from mai.project.manifest import Manifest
from mai.render.engine import render

from tests import trees

PRESETS = ("minimal", "standard", "full")
DATABASES = ("sqlite", "postgresql")
WHAT_IT_IS_MADE_OF = (
    "tests/agents",
    "tests/aliases",
    "tests/auth/test_caller.py",
    "tests/auth/test_modes.py",
    "tests/auth/test_ownership.py",
    "tests/auth/test_routes.py",
    "tests/cli",
    "tests/core/test_health.py",
    "tests/core/test_modules.py",
    "tests/core/test_openapi.py",
    "tests/core/test_settings.py",
    "tests/tools",
)


def run_suite(project: Path, *tests: str, **environment: str) -> str:
    """Runs the project's own tests with the union environment; returns what pytest said.

    They are all of its tests, or those in the files and folders that are named.
    """
    env = {**os.environ, **environment, "PYTHONPATH": str(project / "src")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", *tests],
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def lint(project: Path) -> None:
    """Holds a project against its own lint and format."""
    for check in (["check"], ["format", "--check"]):
        line = [sys.executable, "-m", "ruff", *check]
        done = subprocess.run(line, cwd=project, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def servers(request: pytest.FixtureRequest, database: str) -> dict[str, str]:
    """The variables by which a project's tests run on real servers, if they shall."""
    if database == "sqlite":
        return {}
    urls = {"TEST_DATABASE_URL": "postgres_url", "TEST_REDIS_URL": "redis_url"}
    return {name: request.getfixturevalue(fixture) for name, fixture in urls.items()}


def test_every_project_has_the_python_of_the_core() -> None:
    """It is why the core's tests need not run in each of them."""
    core = render(core_of(trees.manifest("shop")), trees.catalog()).tree
    for preset, database in product(PRESETS, DATABASES):
        made = render(trees.manifest("shop", preset, database=database), trees.catalog()).tree
        differ = [path for path in core if path.endswith(".py") and made[path] != core[path]]
        assert differ == [], f"{preset} on {database}"


@pytest.mark.parametrize("database", DATABASES)
def test_a_project_with_everything_passes_all_of_its_tests(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = trees.manifest("Order desk", "full", database=database)
    said = run_suite(trees.write(made, tmp_path / "order desk"), **servers(request, database))
    if database == "postgresql":
        assert "TEST_REDIS_URL" not in said
        assert "TEST_DATABASE_URL" not in said


@pytest.mark.parametrize(
    ("preset", "database"),
    [
        ("standard", "postgresql"),
        pytest.param("standard", "sqlite", marks=pytest.mark.slow),
        pytest.param("minimal", "postgresql", marks=pytest.mark.slow),
        pytest.param("minimal", "sqlite", marks=pytest.mark.slow),
    ],
)
def test_a_preset_passes_the_tests_of_what_it_is_made_of(
    preset: str, database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = trees.manifest("shop", preset, database=database)
    project = trees.write(made, tmp_path / "shop")
    run_suite(project, *WHAT_IT_IS_MADE_OF, **servers(request, database))


@pytest.mark.parametrize(
    "tests",
    [
        pytest.param(WHAT_IT_IS_MADE_OF, id="of what it is made of"),
        pytest.param((), id="all", marks=pytest.mark.slow),
    ],
)
def test_the_core_alone_without_its_aliases_passes_its_tests(
    tests: tuple[str, ...], tmp_path: Path
) -> None:
    project = trees.write(core_of(trees.manifest("shop")), tmp_path / "shop")
    for folder in ("src/shop/aliases", "tests/aliases"):
        shutil.rmtree(project / folder)
    run_suite(project, *(path for path in tests if (project / path).exists()))


def core_of(made: Manifest) -> Manifest:
    """The same without a component."""
    return Manifest(made.project)
