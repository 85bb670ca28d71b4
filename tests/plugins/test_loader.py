import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from mai.plugins.loader import GROUP, load_catalog

from tests.plugins.test_component import STATED, component

Install = Callable[[str, str], EntryPoint]

GOOD = """
from pathlib import Path
from mai.plugins import Component, hookimpl

@hookimpl
def mai_components():
    return [Component.load(Path(__file__).parent / "clock")]
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Writes a plugin's module and gives its entry point."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "clock").mkdir()
    component(tmp_path / "clock", STATED.replace("tool/clock", "tool/sundial"))

    def write(name: str, source: str) -> EntryPoint:
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        monkeypatch.delitem(sys.modules, name, raising=False)
        return EntryPoint(name, name, GROUP)

    return write


def test_a_plugin_adds_its_components(install: Install) -> None:
    catalog = load_catalog([install("plug_good", GOOD)])
    assert list(catalog.components) == ["tool/sundial"]
    assert catalog.problems == ()


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import no_such_module_anywhere", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        (GOOD.replace("mai_components", "mai_component"), "mai_component"),
        (GOOD.replace("mai_components()", "mai_components(colour)"), "colour"),
        (GOOD.replace('"clock"', '"nowhere"'), "cannot be read"),
        (
            "from mai.plugins import hookimpl\n@hookimpl\ndef mai_components():\n    1 / 0",
            "division",
        ),
    ],
)
def test_a_bad_plugin_is_one_problem_and_hurts_no_other(
    install: Install, source: str, told: str
) -> None:
    catalog = load_catalog([install("plug_bad", source), install("plug_good", GOOD)])
    assert list(catalog.components) == ["tool/sundial"]
    (problem,) = catalog.problems
    assert problem.distribution == "plug_bad"
    assert told in problem.reason


def test_two_that_offer_the_same_are_told_by_both_names(install: Install) -> None:
    catalog = load_catalog([install("plug_one", GOOD), install("plug_two", GOOD)])
    assert len(catalog.components) == 1
    (problem,) = catalog.problems
    assert problem.distribution == "plug_two"
    assert "tool/sundial is also offered by plug_one" in problem.reason
