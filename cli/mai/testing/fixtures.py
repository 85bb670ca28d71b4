"""The fixtures of mai.testing: `pytest -p mai.testing.fixtures`."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from ..plugins.loader import load_catalog
from .project import Project, preset_manifest


@pytest.fixture
def new_project(tmp_path: Path) -> Callable[..., Project]:
    """Makes projects of a preset, by default `minimal`, with what is installed.

    `new_project("full").add("tool", "weather")` is `mai new --preset full` and `mai add`.
    """
    numbers = count()

    def make(preset: str = "minimal") -> Project:
        catalog = load_catalog()
        root = tmp_path / str(next(numbers)) / "shop"
        return Project.make(root, catalog, preset_manifest(catalog, preset))

    return make
