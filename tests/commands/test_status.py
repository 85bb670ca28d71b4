import shutil
from pathlib import Path

import pytest

from tests.conftest import Mai


@pytest.fixture
def project(mai: Mai, monkeypatch: pytest.MonkeyPatch) -> Path:
    mai("new", "shop", "--defaults", "--no-install", "--no-git", "--preset", "minimal")
    root = Path("shop").absolute()
    monkeypatch.chdir(root)
    return root


def test_a_fresh_project_has_no_edited_file(mai: Mai, project: Path) -> None:
    said = mai("status")
    assert said.stdout.startswith(f"shop ({project}), made by mai ")
    assert "  agent assistant (from agent/basic)\n" in said.stdout
    assert said.stdout.endswith(" files: 0 edited, 0 missing\n")


def test_edited_and_missing_files_are_named_from_any_folder(
    mai: Mai, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "README.md").write_text("mine", encoding="utf-8")
    (project / "AGENTS.md").unlink()
    shutil.rmtree(project / "src" / "shop" / "agents" / "assistant")
    monkeypatch.chdir(project / "src")
    told = mai("status", "--json").json()
    assert told["edited"] == ["README.md"]
    assert "AGENTS.md" in told["missing"]
    assert "src/shop/agents/assistant/agent.py" in told["missing"]


def test_outside_of_a_project_it_says_how_to_make_one(mai: Mai) -> None:
    said = mai("status", expect=1)
    assert "make one with `mai new NAME`" in said.stderr


@pytest.mark.parametrize("file", ["manifest.toml", "lock.json"])
@pytest.mark.parametrize("content", ["<<<<<<< yours\n", "", "project = 3\n"])
def test_a_broken_file_is_named(mai: Mai, project: Path, file: str, content: str) -> None:
    (project / ".mai" / file).write_text(content, encoding="utf-8")
    said = mai("status", expect=1)
    assert f".mai/{file} cannot be read" in said.stderr
    assert len(said.stderr.splitlines()) == 2
