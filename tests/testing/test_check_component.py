"""A component that breaks its promises is told so: each of them, whatever else is wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mai.plan.presets import preset
from mai.testing import CHANGES, INSIDE, ComponentFailed, check_component, claims

from tests.conftest import Mai
from tests.testing.conftest import Install

CODE = "template/src/{{package_name}}/tools/sundial.py"
TEST = "template/tests/tools/test_sundial.py.jinja"


@pytest.fixture
def component(mai: Mai, tmp_path: Path) -> Path:
    """The folder of a new component, `tool/sundial`."""
    mai("plugin", "new", "sundial", "--kind", "tool", "--no-git")
    return tmp_path / "mai-sundial/src/mai_sundial/sundial"


@pytest.fixture
def failed(component: Path, install: Install) -> Callable[..., dict[str, str]]:
    """Installs the component and tries claims on it; the failed ones with what is told."""

    def check(*tried: claims.Claim, older: Path | None = None) -> dict[str, str]:
        install(component.parents[2])
        with pytest.raises(ComponentFailed) as raised:
            check_component("tool/sundial", claims=tried, older=older)
        results = raised.value.report.results
        assert [result.claim for result in results] == [claim.__name__ for claim in tried]
        assert str(raised.value.report).startswith("tool/sundial of mai-sundial 0.1.0\n")
        return {result.claim: result.told for result in results if not result.holds}

    return check


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.slow
def test_one_that_is_wrong_in_every_way_is_told_all_of_it(
    component: Path, failed: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "presets", lambda: {"minimal": preset("minimal")})
    with (component / "component.toml").open("a", encoding="utf-8") as file:
        file.write('files.keep = ["src/*/tools/sundial.py"]\n')
    edit(component / CODE, '"""Sun', "import os\nHOURS: int = 'twelve'\n" + '"""Sun')
    edit(component / TEST, '"tea" in', '"tea" not in')
    (component / "template/{{ range(10 ** 5) | random }}.txt").write_text("dice\n")
    told = failed(*CHANGES, *INSIDE)
    assert "rendered twice, these differ" in told.pop("idempotent")
    assert "files.keep is for migrations: src/shop/tools/sundial.py" in told.pop("removable")
    assert "F401" in told.pop("linted")
    assert 'expression has type "str"' in told.pop("typed")
    assert "in preset minimal" in (said := told.pop("works_in_presets"))
    assert "test_query_is_answered" in said
    assert told.keys() <= {"updatable"}


def test_an_answer_that_the_newer_version_does_not_take_is_told(
    component: Path, failed: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    older = tmp_path / "older"
    (component / "copier.yml").write_text("hours: {type: int, default: 12}\n", encoding="utf-8")
    component.rename(older)
    component.mkdir()
    for path in (one for one in older.rglob("*") if one.is_file()):
        (component / path.relative_to(older)).parent.mkdir(parents=True, exist_ok=True)
        (component / path.relative_to(older)).write_bytes(path.read_bytes())
    question = "hours: {type: int, default: 24, choices: [24]}\n"
    (component / "copier.yml").write_text(question, encoding="utf-8")
    told = failed(claims.updatable, older=older)["updatable"]
    assert told.startswith("the installed version does not take an answer of this project")


def test_one_without_tests_is_told_where_they_belong(
    component: Path, failed: Callable[..., dict[str, str]]
) -> None:
    (component / TEST).unlink()
    told = failed(claims.works_in_presets)["works_in_presets"]
    assert told.startswith("it brings no tests: put one into ")


def test_edits_survive_an_update_from_the_older_version(
    component: Path, install: Install, tmp_path: Path
) -> None:
    install(component.parents[2])
    older = tmp_path / "older"
    component.rename(older)
    edit(older / CODE, "The query is empty.", "There is no query.")
    (result,) = check_component("tool/sundial", claims=[claims.updatable], older=older).results
    assert result.told == "2 edits survive its older version"


@pytest.mark.parametrize("base", ["ModeContract", "object"])
def test_an_auth_mode_that_does_not_take_up_its_contract_is_told(
    base: str, mai: Mai, tmp_path: Path, install: Install
) -> None:
    mai("plugin", "new", "gate", "--kind", "auth")
    component = tmp_path / "mai-gate/src/mai_gate/gate"
    tests = component / "template/tests/auth/test_gate.py.jinja"
    edit(tests, "(ModeContract)", f"({base})")
    edit(tests, 'mode = "gate"\n', 'mode = "gate"\n\n    def test_one(self) -> None: ...\n')
    install(component.parents[2])
    if base == "ModeContract":
        (result,) = check_component("auth/gate", claims=[claims.under_contract]).results
        assert int(result.told.removesuffix(" tests")) > 5
    else:
        with pytest.raises(ComponentFailed, match="subclasses ModeContract of tests/auth/contract"):
            check_component("auth/gate", claims=[claims.under_contract])


def test_what_is_not_installed_is_told_with_what_is() -> None:
    with pytest.raises(AssertionError, match=r"tool/sundial is not installed: it has \['agent/"):
        check_component("tool/sundial")
