"""What a component requires, what is enough in its place, and beside what it cannot be."""

from pathlib import Path

import pytest
from mai.testing import check_component
from mai.testing.claims import removable

from tests.conftest import Mai
from tests.plugins.conftest import COMPONENT, Install


@pytest.fixture
def installed(install: Install) -> None:
    """`tool/tides` requires `tool/moon`; `tool/luna` and `tool/lune` each do for it."""
    install("moon")
    offer(install, "luna", 'provides = ["tool/moon"]')
    offer(install, "lune", 'provides = ["tool/moon"]')
    offer(install, "tides", 'requires = ["tool/moon"]')


def offer(install: Install, name: str, more: str) -> None:
    stated = COMPONENT.format(name=name, title=name.title())
    install(name, component=f"{stated}{more}\n")


def test_what_is_missing_is_named_with_all_that_would_do(
    mai: Mai, project: Path, installed: None
) -> None:
    hint = (
        " hint: first: mai add tool moon (of mai new: --with tool:moon); "
        "enough in its place: tool luna, tool lune\n"
    )
    said = mai("add", "tool", "tides", "--no-install", expect=1).stderr
    assert said.endswith(f"error: tool/tides needs tool/moon\n{hint}")
    den = ("new", "den", "--defaults", "--dry-run", "--with", "tool:tides")
    assert mai(*den, expect=1).stderr.endswith(hint)


@pytest.mark.parametrize("name", ["moon", "luna", "lune"])
def test_it_or_one_that_provides_it_is_enough(
    mai: Mai, project: Path, installed: None, name: str
) -> None:
    mai("add", "tool", name, "--no-install")
    mai("add", "tool", "tides", "--no-install")
    den = ("new", "den", "--defaults", "--dry-run", "--with", "tool:tides")
    assert "create  tides.txt" in mai(*den, "--with", f"tool:{name}").stdout


def test_the_last_that_provides_it_stays_while_it_is_needed(
    mai: Mai, project: Path, installed: None
) -> None:
    for name in ("luna", "lune", "tides"):
        mai("add", "tool", name, "--no-install")
    mai("remove", "tool", "luna", "--no-install")
    said = mai("remove", "tool", "lune", "--no-install", expect=1).stderr
    assert said.endswith("tool/tides needs tool/moon\n hint: first: mai remove tool tides\n")
    mai("remove", "tool", "tides", "--no-install")
    mai("remove", "tool", "lune", "--no-install")


def test_where_it_is_not_installed_another_is_tried_with_it(install: Install) -> None:
    offer(install, "luna", 'provides = ["tool/moon"]')
    offer(install, "tides", 'requires = ["tool/moon"]')
    (result,) = check_component("tool/tides", claims=[removable]).results
    assert result.holds


def test_of_two_that_exclude_each_other_both_are_named(
    mai: Mai, project: Path, install: Install
) -> None:
    install("moon")
    offer(install, "sun", 'conflicts = ["tool/moon"]')
    mai("add", "tool", "moon", "--no-install")
    said = mai("add", "tool", "sun", "--no-install", expect=1).stderr
    assert "tool/sun and tool/moon exclude each other" in said
    assert " hint: leave out 'tool.sun' or 'tool.moon'\n" in said
    mai("remove", "tool", "moon", "--no-install")
    mai("add", "tool", "sun", "--no-install")
