"""The first-party components keep every promise, by the tests that anybody's have to pass.

What they do in a project is tried on one of them here, and on all by `pytest -m slow`: their lint,
types and tests in every preset are those of tests/matrix and tests/generated.
"""

import pytest
from mai.testing import CHANGES, CLAIMS, INSIDE, check_component

from tests import trees

COMPONENTS = sorted(trees.catalog().components)


@pytest.mark.parametrize("component", COMPONENTS)
def test_it_can_be_added_removed_and_updated(component: str) -> None:
    report = check_component(component, claims=CHANGES)
    assert len(report.results) == len(CHANGES)


def test_it_works_inside_a_project() -> None:
    assert check_component("tool/basic", claims=INSIDE).failed == ()


@pytest.mark.slow
@pytest.mark.parametrize("component", COMPONENTS)
def test_it_keeps_every_promise(component: str) -> None:
    assert len(check_component(component).results) == len(CLAIMS)
