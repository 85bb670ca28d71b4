"""Across versions: what an older project gets from a newer mai, and what it has to be told."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace as changed_value
from pathlib import Path
from typing import Any

import pytest
from mai.plugins import hookimpl
from mai.plugins.host import Provider
from mai.plugins.loader import Catalog

from tests.conftest import ROOT
from tests.update.conftest import (
    NEW,
    Command,
    Release,
    User,
    changed,
    files,
    lock_of,
    manifest_of,
    replace,
    with_newer_shelves,
)
from tests.update.releases import make_project

SHELF_PY = "src/shop/shelf.py"
Install = Callable[[Catalog], None]


def with_another_agent(folder: Path) -> None:
    """A basic agent with another test and a file more."""
    agent = folder / "plugins/agents/basic/template/src/{{package_name}}/agents/{{module}}"
    (agent / "limits.py").write_text('"""What it may use."""\n', encoding="utf-8")
    stated = folder / "plugins/agents/basic/component.toml"
    text = stated.read_text(encoding="utf-8")
    stated.write_text(text + '\n[updates]\n"0.5.0" = "Limits stand in limits.py."\n', "utf-8")


def with_another_tool(folder: Path) -> None:
    stated = folder / "plugins/tools/web_fetch/component.toml"
    text = stated.read_text(encoding="utf-8")
    stated.write_text(text + '\n[updates]\n"0.5.0" = "Fetches twice."\n', encoding="utf-8")


# --- Template and components ----------------------------------------------------------------------


def test_template_and_components_become_those_of_the_installed_version(
    user: User, run: Command, release: Release, installed: Install
) -> None:
    installed(release(NEW, with_newer_shelves, with_another_agent))
    user.appends("src/shop/agents/assistant/agent.py", "# mine\n")
    run("update")
    assert "WIDTH_CM = 120" in user.read(SHELF_PY)
    assert user.path("src/shop/agents/assistant/limits.py").is_file()
    lock = lock_of(user.root)
    assert lock["mai_version"] == NEW
    assert lock["instances"]["agent.assistant"]["version"] == NEW


def test_a_second_update_has_nothing_to_do(user: User, run: Command) -> None:
    user.appends(SHELF_PY)
    run("update")
    before = files(user.root)
    assert "nothing to do" in run("update").stderr
    assert files(user.root) == before
    run("undo")
    run("update")
    assert files(user.root) == before


def test_several_versions_at_once_are_the_same_as_one_after_another(
    user: User, run: Command, release: Release, newest: Catalog, installed: Install, tmp_path: Path
) -> None:
    between = release(
        "0.4.0",
        lambda folder: replace(
            folder / "template/src/{{package_name}}/shelf.py", "WIDTH_CM = 90", "WIDTH_CM = 100"
        ),
    )
    user.replaces(SHELF_PY, "no other book fits", "no other book of mine fits")
    run("update")
    at_once = files(user.root)
    run("undo")
    installed(between)
    run("update")
    assert "WIDTH_CM = 100" in user.read(SHELF_PY)
    installed(newest)
    run("update")
    assert files(user.root) == at_once


def test_a_version_that_changes_nothing_but_its_number(
    user: User, run: Command, release: Release, installed: Install
) -> None:
    before = files(user.root)
    installed(release("0.2.0"))
    run("update")
    assert changed(before, files(user.root)) == set()
    assert lock_of(user.root)["mai_version"] == "0.2.0"
    assert "nothing to do" in run("update").stderr


# --- An older project that is not updated ---------------------------------------------------------


def test_add_in_an_older_project_brings_its_own_delta_alone(user: User, run: Command) -> None:
    user.appends(SHELF_PY)
    before, lock = files(user.root), lock_of(user.root)
    run("add", "tool", "weather")
    added = {"src/shop/tools/weather.py", "tests/tools/test_weather.py"}
    assert changed(before, files(user.root)) == {*added, "README.md", "AGENTS.md"}
    assert "WIDTH_CM = 90" in user.read(SHELF_PY)
    now = lock_of(user.root)
    assert now["mai_version"] == "0.1.0"
    assert now["instances"]["agent.assistant"] == lock["instances"]["agent.assistant"]
    assert now["instances"]["tool.weather"]["version"] == NEW
    assert run.failing_checks() == []
    run("remove", "tool", "weather")
    assert changed(before, files(user.root)) == set()


def test_set_in_an_older_project_brings_its_own_delta_alone(user: User, run: Command) -> None:
    before = files(user.root)
    run("set", "description=A shop.")
    assert changed(before, files(user.root)) == {
        "README.md",
        "pyproject.toml",
        "src/shop/__init__.py",
    }
    assert "structlog>=25.5" in user.read("pyproject.toml")
    assert lock_of(user.root)["mai_version"] == "0.1.0"


def test_an_update_after_an_add_brings_the_rest(
    user: User, run: Command, newest: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("add", "tool", "weather")
    run("update")
    assert "WIDTH_CM = 120" in user.read(SHELF_PY)
    updated = files(user.root)
    fresh = make_project(user.root.parent / "fresh" / "shop", newest)
    monkeypatch.chdir(fresh)
    run("add", "tool", "weather")
    assert changed(files(fresh), updated) == set()


def test_what_does_not_fit_the_older_files_is_refused(
    user: User, run: Command, release: Release, installed: Install
) -> None:
    def rewritten(folder: Path) -> None:
        readme = folder / "template/README.md.jinja"
        names = "{% for instance in instances %} {{ instance.name }}{% endfor %}"
        readme.write_text(f"# New\n\nParts:{names}\n", encoding="utf-8")

    installed(release(NEW, rewritten))
    before = files(user.root)
    said = run("add", "tool", "weather", expect=1)
    assert "does not fit the older README.md" in said.stderr
    assert "mai update" in said.stderr
    assert files(user.root) == before
    run("update")
    run("add", "tool", "weather")
    assert "Parts: assistant weather" in user.read("README.md")


# --- Questions ------------------------------------------------------------------------------------

_COLOUR = """
colour:
  type: str
  help: Which colour?
  choices: [{choices}]
  default: {default}
"""


def asking(name: str, choices: str, default: str) -> Callable[[Path], object]:
    """A release whose core asks for a colour and writes it into a file."""

    def change(folder: Path) -> None:
        question = _COLOUR.format(choices=choices, default=default).replace("colour:", f"{name}:")
        with (folder / "copier.yml").open("a", encoding="utf-8") as stream:
            stream.write(question)
        file = folder / "template/docs/colour.txt.jinja"
        file.write_text(f"{{{{ {name} }}}}\n", encoding="utf-8")

    return change


@pytest.fixture
def coloured(user: User, run: Command, release: Release, installed: Install) -> User:
    """A project whose user has chosen green."""
    installed(release("0.2.0", asking("colour", "red, green", "red")))
    run("update")
    assert user.read("docs/colour.txt") == "red\n", "a new question has its default"
    assert manifest_of(user.root)["project"]["colour"] == "red"
    run("set", "colour=green")
    return user


def test_a_new_question_can_be_answered_at_once(
    user: User, run: Command, release: Release, installed: Install
) -> None:
    installed(release("0.2.0", asking("colour", "red, green", "red")))
    run("update", "-o", "colour=green")
    assert user.read("docs/colour.txt") == "green\n"


def test_another_default_does_not_change_what_was_chosen(
    coloured: User, run: Command, release: Release, installed: Install
) -> None:
    installed(release("0.3.0", asking("colour", "blue, red, green", "blue")))
    run("update")
    assert coloured.read("docs/colour.txt") == "green\n"


def test_a_choice_that_is_gone_is_refused_until_another_is_made(
    coloured: User, run: Command, release: Release, installed: Install
) -> None:
    installed(release("0.3.0", asking("colour", "red, blue", "red")))
    before = files(coloured.root)
    said = run("update", expect=1)
    assert "green" in said.stderr
    assert "red" in said.stderr
    assert "mai update -o colour=" in said.stderr
    assert files(coloured.root) == before
    run("update", "-o", "colour=blue")
    assert coloured.read("docs/colour.txt") == "blue\n"
    assert manifest_of(coloured.root)["project"]["colour"] == "blue"


def test_a_question_that_is_gone_is_told_with_its_answer(
    coloured: User, run: Command, release: Release, installed: Install
) -> None:
    installed(release("0.3.0"))
    said = run("update")
    assert "colour = 'green' is asked for no more" in said.stderr
    assert "colour" not in manifest_of(coloured.root)["project"]
    assert not coloured.path("docs/colour.txt").exists()


def test_an_answer_that_does_not_apply_any_more_is_told(
    coloured: User, run: Command, release: Release, installed: Install
) -> None:
    def conditional(folder: Path) -> None:
        asking("colour", "red, green", "red")(folder)
        with (folder / "copier.yml").open("a", encoding="utf-8") as stream:
            stream.write("  when: \"{{ database == 'postgresql' }}\"\n")
        file = folder / "template/docs/colour.txt.jinja"
        file.write_text("{{ colour }}\n", encoding="utf-8")

    installed(release("0.3.0", conditional))
    said = run("update")
    assert "colour = 'green' is asked for no more" in said.stderr
    assert coloured.read("docs/colour.txt") == "red\n"


@pytest.mark.parametrize("given", ["color=green", "colour=pink"])
def test_a_wrong_answer_of_todays_is_not_the_projects(
    coloured: User, run: Command, release: Release, installed: Install, given: str
) -> None:
    installed(release("0.3.0", asking("colour", "red, green", "red")))
    said = run("update", "-o", given, expect=2)
    assert "colour" in said.stderr
    assert "of this project" not in said.stderr


class Renamed:
    """The plugin of a release that asks for `hue`, and not for `colour`."""

    @hookimpl
    def mai_migrate_answers(
        self, component: str, from_version: str, answers: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        if component != "core" or from_version != "0.2.0":
            return None
        rest = {key: value for key, value in answers.items() if key != "colour"}
        return {**rest, "hue": answers["colour"]}


def test_a_question_with_another_name_keeps_its_answer(
    coloured: User, run: Command, release: Release, installed: Install
) -> None:
    installed(release("0.3.0", asking("hue", "red, green", "red"), plugin=Renamed()))
    said = run("update")
    assert coloured.read("docs/colour.txt") == "green\n"
    project = manifest_of(coloured.root)["project"]
    assert project["hue"] == "green"
    assert "colour" not in project
    assert "asked for no more" not in said.stderr
    assert "nothing to do" in run("update").stderr


class RenamedModel:
    """The plugin of a release whose basic agent asks for `llm`, and not for `model`."""

    @hookimpl
    def mai_migrate_answers(
        self, component: str, from_version: str, answers: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        if component != "agent/basic":
            return None
        rest = {key: value for key, value in answers.items() if key != "model"}
        return {**rest, "llm": answers["model"]}


def test_a_components_question_with_another_name_keeps_its_answer(
    user: User, run: Command, release: Release, installed: Install
) -> None:
    def change(folder: Path) -> None:
        basic = folder / "plugins/agents/basic"
        for path in [basic / "copier.yml", *basic.rglob("*.jinja")]:
            tag = r"(?s).*" if path.suffix == ".yml" else r"{[{%].*?[}%]}"
            text = path.read_text(encoding="utf-8")
            renamed = re.sub(tag, lambda found: re.sub(r"\bmodel\b", "llm", found[0]), text)
            path.write_text(renamed, encoding="utf-8")

    run("set", "agent.assistant.model=openai:gpt-5")
    told = user.read("src/shop/agents/assistant/agent.py")
    installed(release(NEW, change, plugin=RenamedModel()))
    run("update")
    assert manifest_of(user.root)["agent"]["assistant"]["llm"] == "openai:gpt-5"
    assert user.read("src/shop/agents/assistant/agent.py") == told


class Broken:
    @hookimpl
    def mai_migrate_answers(self) -> None:
        sys.exit("no")


def test_a_plugin_that_fails_to_migrate_is_named_and_changes_nothing(
    user: User, run: Command, release: Release, installed: Install
) -> None:
    installed(release(NEW, plugin=Broken()))
    before = files(user.root)
    said = run("update", expect=1)
    assert "mai-framework:tests failed in mai_migrate_answers" in said.stderr
    assert files(user.root) == before


# --- Notes ----------------------------------------------------------------------------------------


def test_notes_of_the_versions_between_for_what_is_in_use(
    user: User, run: Command, release: Release, installed: Install
) -> None:
    installed(release(NEW, with_another_agent, with_another_tool))
    said = run("update")
    assert "agent/basic 0.5.0: Limits stand in limits.py." in said.stderr
    assert "Fetches twice" not in said.stderr
    assert "Limits stand" not in run("update").stderr


def test_notes_of_versions_that_were_passed_already_are_not_told(
    user: User, run: Command, release: Release, installed: Install
) -> None:
    installed(release("0.6.0"))
    run("update")
    installed(release(NEW, with_another_agent))
    assert "Limits stand" not in run("update").stderr


# --- What is not installed ------------------------------------------------------------------------


def test_a_project_of_a_newer_mai_is_refused(
    user: User, run: Command, old: Catalog, installed: Install
) -> None:
    run("update")
    installed(old)
    before = files(user.root)
    for command in (["update"], ["add", "tool", "weather"], ["set", "licence=MIT"]):
        said = run(*command, expect=1)
        assert "the project is at mai 0.9.0, this is mai 0.1.0" in said.stderr
        assert "upgrade" in said.stderr
    assert files(user.root) == before


def test_a_missing_plugin_freezes_its_files_and_nothing_else(
    user: User, run: Command, release: Release, installed: Install
) -> None:
    newest = release(NEW, with_newer_shelves, with_another_agent)
    others = {key: one for key, one in newest.components.items() if key != "agent/basic"}
    user.appends("src/shop/agents/assistant/agent.py", "# mine\n")
    agent = {p: c for p, c in files(user.root).items() if "assistant" in p}
    installed(changed_value(newest, components=others))
    run("update")
    assert "WIDTH_CM = 120" in user.read(SHELF_PY)
    assert {p: c for p, c in files(user.root).items() if "assistant" in p} == agent
    assert lock_of(user.root)["instances"]["agent.assistant"]["version"] == "0.1.0"
    assert "install mai-framework 0.1.0" in run.mends("doctor")
    installed(newest)
    run("update")
    assert user.path("src/shop/agents/assistant/limits.py").is_file()
    assert user.read("src/shop/agents/assistant/agent.py").endswith("# mine\n")


def test_a_plugin_of_its_own_is_updated_on_its_own(
    user: User, run: Command, release: Release, newest: Catalog, installed: Install
) -> None:
    run("update")
    again = release(NEW, with_newer_shelves, with_another_agent)
    providers = {**again.providers, "agent/basic": Provider("mai-framework", "0.9.1")}
    installed(changed_value(again, providers=providers))
    before = files(user.root)
    said = run("update")
    assert {"src/shop/agents/assistant/limits.py"} == changed(before, files(user.root))
    assert "mai update: done" in said.stderr


# --- A real one -----------------------------------------------------------------------------------


def test_a_newer_mai_in_a_process_of_its_own_without_network(
    user: User, snapshot: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "newer"
    shutil.copytree(snapshot, copy)
    shutil.copytree(ROOT / "cli", copy / "cli", ignore=shutil.ignore_patterns("__pycache__"))
    with_newer_shelves(copy)
    package = copy / "cli/mai"
    (package / "__init__.py").write_text(f'__version__ = "{NEW}"\n', encoding="utf-8")
    notes = package / "plugins/core_updates.toml"
    notes.write_text('"0.3.0" = "Shelves are wider."\n"0.9.1" = "Too new."\n', encoding="utf-8")
    offline = {"PYTHONPATH": str(copy / "cli"), "UV_OFFLINE": "1", "https_proxy": "http://[::1]:1"}

    def mai(*argv: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-m", "mai", *argv],
            cwd=user.root,
            env={**os.environ, **offline},
            capture_output=True,
            text=True,
            check=False,
        )
        user.loses_nothing(done.stderr)
        return done

    assert mai("--version").stdout == f"mai {NEW}\n"
    user.replaces(SHELF_PY, "no other book fits", "no other book of mine fits")
    user.replaces("docs/guide.md", "Sentence 3 of the guide.", "My sentence 3.")
    before = files(user.root)
    said = mai("update", "--no-install")
    assert said.returncode == 1, said.stderr
    assert "conflict  docs/guide.md" in said.stderr
    assert "mai 0.3.0: Shelves are wider." in said.stderr
    assert "Too new" not in said.stderr
    assert ">>>>>>> mai 0.9.0" in user.read("docs/guide.md")
    assert "WIDTH_CM = 120" in user.read(SHELF_PY)
    assert mai("undo", "--no-install").returncode == 0
    assert files(user.root) == before
    assert mai("update", "--ours", "--no-install").returncode == 0
    assert lock_of(user.root)["mai_version"] == NEW
    assert "nothing to do" in mai("update", "--no-install").stderr
