"""Changing a project on real files: add, remove, set, undo and what they leave behind."""

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.conftest import Mai


def snapshot(root: Path) -> dict[str, bytes]:
    """Every file but those that git ignores."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".undo" not in path.parts and ".git" not in path.parts
    }


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A standard project, made once."""
    import sys

    folder = tmp_path_factory.mktemp("made")
    command = [sys.executable, "-m", "mai", "new", "shop", "--defaults", "--no-install"]
    subprocess.run([*command, "--no-git"], cwd=folder, check=True, capture_output=True)
    return folder / "shop"


@pytest.fixture
def project(mai: Mai, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shop"
    shutil.copytree(made, root)
    monkeypatch.chdir(root)
    return root


def test_two_adds_and_two_undos_are_nothing(mai: Mai, project: Path) -> None:
    before = snapshot(project)
    mai("add", "agent", "support", "--from", "basic", "-o", "model=demo", "--no-install")
    mai("add", "tool", "weather", "--no-install")
    assert (project / "src/shop/tools/weather.py").is_file()
    manifest = tomllib.loads((project / ".mai/manifest.toml").read_text(encoding="utf-8"))
    assert manifest["agent"]["support"]["model"] == "demo"
    assert manifest["tool"]["weather"] == {"from": "tool/basic"}
    mai("undo", "--no-install")
    mai("undo", "--no-install")
    assert snapshot(project) == before
    assert "there is nothing to undo" in mai("undo", expect=1).stderr


def test_edits_between_stay(mai: Mai, project: Path) -> None:
    mai("add", "tool", "weather", "--no-install")
    readme = project / "README.md"
    readme.write_bytes(b"Mine.\n" + readme.read_bytes())
    clock = project / "src/shop/tools/clock.py"
    clock.write_bytes(clock.read_bytes() + b"# mine\n")
    mai("undo", "--no-install")
    assert readme.read_bytes().startswith(b"Mine.\n")
    assert b"weather" not in readme.read_bytes()
    assert clock.read_bytes().endswith(b"# mine\n")


def test_an_added_file_that_was_edited_survives_undo(mai: Mai, project: Path) -> None:
    mai("add", "tool", "weather", "--no-install")
    tool = project / "src/shop/tools/weather.py"
    tool.write_bytes(tool.read_bytes() + b"# mine\n")
    said = mai("undo", "--no-install")
    assert tool.read_bytes().endswith(b"# mine\n")
    assert "src/shop/tools/weather.py" in said.stderr


def test_add_then_remove_leaves_git_clean(mai: Mai, project: Path) -> None:
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "made")
    mai("add", "agent", "support", "--no-install")
    mai("remove", "agent", "support", "--no-install")
    assert git(project, "status", "--short") == ""


def test_adding_again_does_nothing(mai: Mai, project: Path) -> None:
    mai("add", "tool", "weather", "--no-install")
    before = snapshot(project)
    told = mai("add", "tool", "weather", "--json").json()
    assert (told["status"], told["outcomes"]) == ("unchanged", [])
    assert snapshot(project) == before


def test_a_name_with_other_answers_is_refused(mai: Mai, project: Path) -> None:
    mai("add", "agent", "support", "-o", "model=demo", "--no-install")
    said = mai("add", "agent", "support", "-o", "model=openai:gpt-5", expect=1)
    assert "mai set agent.support.model=openai:gpt-5" in said.stderr
    assert "choose another name" in (
        mai("add", "agent", "assistant", "--from", "basic", expect=1).stderr
    )


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (["add", "agnet", "support"], 2, "did you mean 'agent'?"),
        (["add", "tool", "web-fetsh"], 2, "did you mean 'web_fetch'?"),
        (["add", "agent", "chat"], 2, "try 'chat-agent'"),
        (["add", "tool", "tool/moon"], 2, "type tool moon"),
        (["add", "tool", "agent:moon"], 2, "type agent moon"),
        (["remove", "tool", "tool/clock"], 2, "type tool clock"),
        (["add", "agent", "support", "--from", "nothing"], 2, "no agent component 'nothing'"),
        (["add", "agent", "support", "-o", "modl=demo"], 2, "did you mean 'model'?"),
        (["remove", "agent", "suport"], 2, "no instance 'agent.suport'"),
        (["set", "databse=postgresql"], 2, "did you mean 'database'?"),
        (["set", "database=mysql"], 2, "no database choice 'mysql'"),
        (["set", "database"], 2, "expected KEY=VALUE"),
        (["set", "agent.nobody.model=demo"], 2, "no instance 'agent.nobody'"),
        (["add", "tool", "x", "--ours", "--theirs"], 2, "exclude each other"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    mai: Mai, project: Path, argv: list[str], code: int, told: str
) -> None:
    before = snapshot(project)
    assert told in mai(*argv, expect=code).stderr
    assert snapshot(project) == before


def test_a_dry_run_shows_the_real_outcomes_and_writes_nothing(mai: Mai, project: Path) -> None:
    before = snapshot(project)
    said = mai("add", "tool", "weather", "--dry-run")
    assert "+++ b/src/shop/tools/weather.py" in said.stdout
    planned = mai("add", "tool", "weather", "--dry-run", "--json").json()
    assert snapshot(project) == before
    done = mai("add", "tool", "weather", "--json", "--no-install").json()
    diffs = {outcome["path"]: outcome.pop("diff") for outcome in planned["outcomes"]}
    assert "+++ b/src/shop/tools/weather.py" in diffs["src/shop/tools/weather.py"]
    assert [{**outcome, "diff": None} for outcome in planned["outcomes"]] == done["outcomes"]
    assert (planned["status"], done["status"]) == ("planned", "done")


def test_remove_refuses_over_edits_and_says_how_to_go_on(mai: Mai, project: Path) -> None:
    mai("add", "agent", "support", "--no-install")
    folder = project / "src/shop/agents/support"
    (folder / "agent.py").write_text("# mine\n", encoding="utf-8")
    (folder / "prompts.py").write_text("# mine, too\n", encoding="utf-8")
    before = snapshot(project)
    said = mai("remove", "agent", "support", "--no-install", expect=1)
    assert "agents/support/agent.py, src/shop/agents/support/prompts.py" in said.stderr
    assert "--ours" in said.stderr
    assert snapshot(project) == before

    mai("remove", "agent", "support", "--theirs", "--no-install")
    assert not folder.exists()
    mai("undo", "--no-install")
    assert snapshot(project) == before

    mai("remove", "agent", "support", "--ours", "--no-install")
    assert (folder / "agent.py").read_text(encoding="utf-8") == "# mine\n"
    assert (folder / "instructions.md").is_file()
    assert "support" not in (project / ".mai/manifest.toml").read_text(encoding="utf-8")
    assert "knows nothing" in mai("why", folder / "agent.py").stdout


def test_who_removes_the_last_auth_mode_is_told_that_nobody_is_asked(
    mai: Mai, project: Path
) -> None:
    told = "nobody is asked who is calling"
    assert told not in mai("add", "auth", "jwt", "--no-install").stderr
    assert told not in mai("remove", "auth", "jwt", "--no-install").stderr
    assert told in mai("remove", "auth", "api-key", "--no-install").stderr


def test_setting_an_answer_and_setting_it_back_is_nothing(mai: Mai, project: Path) -> None:
    before = snapshot(project)
    mai("set", "database=postgresql", "licence=Apache-2.0", "--no-install")
    assert (project / "compose.d/postgres.yaml").is_file()
    mai("set", "database=sqlite", "licence=MIT", "--no-install")
    assert snapshot(project) == before


def test_the_package_gets_another_name_with_all_that_is_in_it(mai: Mai, project: Path) -> None:
    mine = project / "src/shop/agents/own.py"
    mine.write_text("# my own\n", encoding="utf-8")
    before = snapshot(project)
    mai("set", "package_name=store", "--no-install")
    assert not (project / "src/shop").exists()
    assert (project / "src/store/agents/own.py").read_text(encoding="utf-8") == "# my own\n"
    assert "store.cli:main" in (project / "pyproject.toml").read_text(encoding="utf-8")
    mai("undo", "--no-install")
    assert snapshot(project) == before


def test_a_package_that_was_renamed_by_hand_is_found(mai: Mai, project: Path) -> None:
    (project / "src/shop").rename(project / "src/store")
    agent = project / "src/store/agents/assistant/agent.py"
    agent.write_bytes(agent.read_bytes() + b"# mine\n")
    assert "mai set package_name=store" in mai("add", "tool", "weather", expect=1).stderr
    assert "mai set package_name=store" in mai("check", expect=1).stdout
    mai("set", "package_name=store", "--no-install")
    assert agent.read_bytes().endswith(b"# mine\n")
    assert not (project / "src/shop").exists()
    mai("add", "tool", "weather", "--no-install")
    assert (project / "src/store/tools/weather.py").is_file()


def test_what_is_written_into_the_manifest_by_hand_is_brought_in(mai: Mai, project: Path) -> None:
    manifest = project / ".mai/manifest.toml"
    text = manifest.read_text(encoding="utf-8").replace('licence = "MIT"', 'licence = "Apache-2.0"')
    text += '\n# Asked for by the shop.\n[tool.weather]\nfrom = "tool/basic"\n'
    manifest.write_text(text, encoding="utf-8")
    assert "mai set" in mai("check", expect=1).stdout
    mai("set", "--no-install")
    assert (project / "src/shop/tools/weather.py").is_file()
    assert "Apache" in (project / "LICENSE").read_text(encoding="utf-8")
    assert "# Asked for by the shop." in manifest.read_text(encoding="utf-8")


def test_a_path_is_explained(mai: Mai, project: Path) -> None:
    assert "of tool.clock (tool/clock)" in mai("why", "src/shop/tools/clock.py").stdout
    shared = mai("why", "pyproject.toml", "--json").json()
    assert shared["contributions"]["tool.web-fetch"] == ["pydantic-ai-slim[web-fetch]>=2.62,<3"]
    assert "no file 'justfle'" in mai("why", "justfle", expect=2).stderr
    assert "did you mean 'justfile'?" in mai("diff", "justfle", expect=2).stderr
    assert "no file 'nope'" in mai("set", "--skip", "nope", expect=2).stderr
    assert "is not in the project" in mai("why", "/etc/passwd", expect=2).stderr


def test_edits_are_shown_as_a_diff(mai: Mai, project: Path) -> None:
    clock = project / "src/shop/tools/clock.py"
    clock.write_bytes(clock.read_bytes() + b"# mine\n")
    (project / "justfile").unlink()
    assert "+# mine" in mai("diff").stdout
    assert set(mai("diff", "--json").json()["diffs"]) == {"src/shop/tools/clock.py", "justfile"}
    assert mai("diff", "src/shop/agents").stdout == ""


def test_components_are_listed(mai: Mai) -> None:
    listed = mai("list", "tool", "--json").json()["components"]
    assert {component["id"] for component in listed} >= {"tool/basic", "tool/clock"}
    assert all(component["kind"] == "tool" for component in listed)
    assert "web_fetch" in mai("list").stdout
    assert "did you mean 'tool'?" in mai("list", "tols", expect=2).stderr


def test_a_name_that_is_yours_is_not_taken(mai: Mai, project: Path) -> None:
    mine = project / "src/shop/tools/weather.py"
    mine.write_text("# mine\n", encoding="utf-8")
    said = mai("add", "tool", "weather", "--no-install", expect=1)
    assert "src/shop/tools/weather.py is there already, and is yours" in said.stderr
    assert mine.read_text(encoding="utf-8") == "# mine\n"


def test_a_dry_run_needs_no_right_to_write(mai: Mai, project: Path) -> None:
    mai("add", "tool", "weather", "--dry-run")
    assert not (project / ".mai/.undo").exists()


def test_a_new_instance_is_no_renamed_old_one(mai: Mai, project: Path) -> None:
    mai("add", "tool", "two", "--no-install")
    for path in ("src/shop/tools/two.py", "tests/tools/test_two.py"):
        (project / path).unlink()
    manifest = project / ".mai/manifest.toml"
    text = manifest.read_text(encoding="utf-8").replace("[tool.two]", "[tool.three]")
    manifest.write_text(text, encoding="utf-8")
    mai("set", "--no-install")
    assert (project / "src/shop/tools/three.py").is_file()
    assert (project / "tests/tools/test_three.py").is_file()


@pytest.mark.parametrize("answer", ["package_name=pydantic_ai", "project_name=pytest"])
def test_a_project_is_not_renamed_to_what_it_needs(mai: Mai, project: Path, answer: str) -> None:
    assert "would hide" in mai("set", answer, "--no-install", expect=2).stderr


def test_who_renames_the_package_is_told_what_still_imports_it(mai: Mai, project: Path) -> None:
    own = project / "tests/test_own.py"
    own.write_text("from shop.main import create_app\n", encoding="utf-8")
    said = mai("set", "package_name=store", "--no-install")
    assert "note: tests/test_own.py still imports shop" in said.stderr


def test_a_folder_and_mais_own_files_are_not_taken_for_yours(mai: Mai, project: Path) -> None:
    assert "name a file in it" in mai("why", "src", expect=2).stderr
    assert "mai's own" in mai("why", ".mai/lock.json").stdout
