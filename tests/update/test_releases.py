"""A project of each release of the past, edited by hand, comes to what this checkout makes."""

from pathlib import Path

import pytest
from mai.project.reader import read_manifest
from mai.render.engine import render

from tests import trees
from tests.conftest import Mai
from tests.generated.served import command, serving
from tests.generated.test_suites import run_suite
from tests.update.releases import RELEASES, frozen, make_project

VERSIONS = sorted(path.name for path in RELEASES.iterdir() if path.is_dir())


@pytest.fixture(params=VERSIONS)
def project(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    root = make_project(tmp_path / "shop", frozen(request.param), "standard")
    monkeypatch.chdir(root)
    return root


def test_it_is_updated_to_what_a_new_one_is(mai: Mai, project: Path) -> None:
    mai("update", "--no-install")
    fresh = render(read_manifest(project), trees.catalog()).tree
    for path, file in fresh.items():
        assert (project / path).read_bytes() == file.content, path
    made = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    assert {path for path in made if not path.startswith(".mai/")} == set(fresh)
    assert mai("update", "--json").json()["status"] == "unchanged"


def test_what_was_edited_in_it_stays(mai: Mai, project: Path) -> None:
    agent = project / "src/shop/agents/assistant/agent.py"
    agent.write_text(agent.read_text(encoding="utf-8") + "\n# My own last line.\n", "utf-8")
    readme = project / "README.md"
    readme.write_text("My own first line.\n\n" + readme.read_text(encoding="utf-8"), "utf-8")
    pyproject = project / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8")
    pyproject.write_text(text.replace('"alembic>=', '"flask>=3",\n    "alembic>='), "utf-8")
    own = project / "src/shop/tools/rain.py"
    own.write_text("# My own tool.\n", encoding="utf-8")

    mai("update", "--no-install")

    assert agent.read_text(encoding="utf-8").endswith("\n# My own last line.\n")
    assert readme.read_text(encoding="utf-8").startswith("My own first line.\n")
    assert '"flask>=3",' in pyproject.read_text(encoding="utf-8")
    assert own.read_text(encoding="utf-8") == "# My own tool.\n"
    assert set(mai("status", "--json").json()["edited"]) == {
        "src/shop/agents/assistant/agent.py",
        "README.md",
        "pyproject.toml",
    }


@pytest.mark.parametrize(
    "tests",
    [
        pytest.param(("tests/agents", "tests/runs", "tests/sessions"), id="of what was edited"),
        pytest.param((), id="all", marks=pytest.mark.slow),
    ],
)
def test_it_goes_on_with_its_edits_and_its_conversations_and_passes_its_own_tests(
    tests: tuple[str, ...], mai: Mai, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path / "shop", frozen("0.2.0"), "standard")
    monkeypatch.chdir(project)
    edits = {
        "src/shop/agents/assistant/agent.py": ("Today is {", "Today, the day is {"),
        "src/shop/runs/settings.py": ("for so long counts as", "for that long counts as"),
        "pyproject.toml": ('"alembic>=', '"flask>=3",\n    "alembic>='),
    }
    for path, (theirs, mine) in edits.items():
        file = project / path
        file.write_text(file.read_text("utf-8").replace(theirs, mine), "utf-8")
    command(project, "db", "upgrade")
    with serving(project) as old:
        session_id = old.ask("Hello!")["data"]["session_id"]

    mai("update", "--no-install")

    assert set(mai("status", "--json").json()["edited"]) == set(edits)
    for path, (_, mine) in edits.items():
        assert mine in (project / path).read_text("utf-8")
    command(project, "db", "upgrade")
    with serving(project) as new:
        assert new.ask("Go on", session_id)["data"]["status"] == "completed"
        said = [one["content"] for one in new.messages(session_id) if one["role"] == "user"]
    assert said == ["Hello!", "Go on"]
    assert " passed" in run_suite(project, *tests)
