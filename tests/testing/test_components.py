"""The first-party components keep every promise, by the tests that anybody's have to pass.

What they do in a project is tried by `pytest -m slow`: their lint, types and tests in every preset
are those of tests/matrix and tests/generated, and tests/testing tries the claims on others.
"""

import pytest
from mai.testing import CHANGES, CLAIMS, check_component

from tests import trees

COMPONENTS = sorted(trees.catalog().components)


@pytest.mark.parametrize("component", COMPONENTS)
def test_it_can_be_added_removed_and_updated(component: str) -> None:
    report = check_component(component, claims=CHANGES)
    assert len(report.results) == len(CHANGES)


@pytest.mark.slow
@pytest.mark.parametrize("component", COMPONENTS)
def test_it_keeps_every_promise(component: str) -> None:
    assert len(check_component(component).results) == len(CLAIMS)
