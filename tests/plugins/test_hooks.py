"""Every hook, through the commands that call it, of a plugin that was written for plugin API 1.

That plugin, in `data/api_1`, is never changed: what fails here has broken the interface.
"""

import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mai.plugins import hookspecs
from mai.plugins.values import Plan, Project

from tests.conftest import Mai
from tests.docs.plugin_interface import plugin_interface
from tests.plugins.conftest import DATA, Install

HOOKS = {name: spec for name, spec in vars(hookspecs).items() if name.startswith("mai_")}
ADD = ("add", "tool", "almanac", "--no-install")


def arguments(hook: str) -> set[str]:
    return set(inspect.signature(HOOKS[hook]).parameters)


@pytest.fixture
def frozen(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin of plugin API 1, installed."""
    monkeypatch.syspath_prepend(DATA / "api_1")


@pytest.fixture
def calls(frozen: None) -> "Calls":
    return Calls()


class Calls:
    """What the plugin's hooks were given since it was imported."""

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        yield from sys.modules["mai_frozen.plugin"].CALLS

    def last(self, hook: str) -> dict[str, Any]:
        return [given for name, given in self if name == hook][-1]

    def clear(self) -> None:
        sys.modules["mai_frozen.plugin"].CALLS.clear()


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_and_each_of_its_arguments_is_documented(hook: str) -> None:
    told = inspect.getdoc(HOOKS[hook]) or ""
    assert "Since plugin API" in " ".join(told.split())
    assert [name for name in arguments(hook) if f"`{name}`" not in told] == []


def test_every_field_that_a_plugin_reads_or_writes_is_documented() -> None:
    rows = [line for line in plugin_interface() if line.startswith("| `")]
    assert len(rows) > 50
    assert [row for row in rows if row.endswith("|  |")] == []


def test_every_hook_is_called_with_each_of_its_arguments(
    mai: Mai, project: Path, calls: Calls
) -> None:
    mai(*ADD)
    mai("update", "--no-install")
    mai("doctor", expect=1)  # there is no uv.lock
    called: dict[str, set[str]] = {}
    for hook, given in calls:
        called.setdefault(hook, set()).update(name for name in given if given[name] is not None)
    assert called == {hook: arguments(hook) for hook in HOOKS}


def test_what_it_contributes_depends_on_what_else_is_chosen(
    mai: Mai, project: Path, frozen: None
) -> None:
    def shared() -> str:
        paths = ("pyproject.toml", ".env.example", "compose.yaml", "README.md")
        return "".join((project / path).read_text(encoding="utf-8") for path in paths)

    added = ("astral>=3.2", "ALMANAC__ZONE=UTC", 'ALMANAC__ZONE: "UTC"', "is not the almanac's")
    mai(*ADD)
    assert [text for text in added if text in shared()] == []
    mai("add", "tool", "clock", "--no-install")
    assert [text for text in added if text not in shared()] == []
    mai("remove", "tool", "clock", "--no-install")
    assert [text for text in added if text in shared()] == []


def test_what_it_finds_wrong_is_refused_and_nothing_is_written(
    mai: Mai, project: Path, frozen: None
) -> None:
    told = mai(*ADD, "-o", "town=Atlantis", expect=1).stderr
    assert "the sun does not rise in Atlantis (says mai-frozen)" in told
    assert "choose a town above the sea" in told
    assert not (project / "almanac.toml").exists()
    said = mai("new", "other", "--defaults", "--no-install", "--with", "tool:almanac",
               "-o", "tool.almanac.town=Atlantis", expect=1)  # fmt: skip
    assert "does not rise" in said.stderr


def test_what_was_wrong_before_holds_up_no_other_change(
    mai: Mai, project: Path, frozen: None
) -> None:
    mai(*ADD)
    for name in ("manifest.toml", "lock.json"):
        path = project / ".mai" / name
        path.write_text(path.read_text(encoding="utf-8").replace("Rome", "Atlantis"), "utf-8")
    mai("add", "tool", "weather", "--no-install")
    said = mai("doctor", "--json", expect=1).json()
    (problem,) = [one for one in said["checks"] if one["name"] == "mai-frozen"]
    assert problem["mend"] == "choose a town above the sea"


def test_answers_of_an_older_version_are_migrated(mai: Mai, project: Path, calls: Calls) -> None:
    mai(*ADD, "-o", "town=Oslo")
    for name in ("manifest.toml", "lock.json"):
        path = project / ".mai" / name
        text = path.read_text(encoding="utf-8").replace('"town"', '"city"')
        text = text.replace("town =", "city =").replace('"version": "1.0"', '"version": "0.9"')
        path.write_text(text, encoding="utf-8")
    said = mai("update", "--no-install")
    given = calls.last("mai_migrate_answers")
    assert (given["component"], given["from_version"]) == ("tool/almanac", "0.9")
    assert 'town = "Oslo"' in (project / ".mai/manifest.toml").read_text(encoding="utf-8")
    assert "tool/almanac 1.0: A town is no city any more." in said.stderr


def test_a_plan_is_told_before_it_is_shown_and_after_it_is_carried_out(
    mai: Mai, project: Path, calls: Calls
) -> None:
    mai(*ADD, "--dry-run")
    plan = calls.last("mai_plan_created")["plan"]
    assert isinstance(plan, Plan)
    assert plan.command == "mai add tool almanac"
    assert plan.before
    assert {i.key for i in plan.after.instances} - {i.key for i in plan.before.instances} == {
        "tool.almanac"
    }
    assert {"almanac.toml": "create", "README.md": "change"}.items() <= {
        change.path: change.action for change in plan.files
    }.items()
    assert "mai_applied" not in dict(calls)
    calls.clear()

    mai(*ADD)
    assert calls.last("mai_applied") == {"plan": plan, "project": Project(plan.after, project)}
    calls.clear()
    mai(*ADD)
    assert "mai_applied" not in dict(calls), "nothing was written"


def test_a_new_project_is_told_too(mai: Mai, tmp_path: Path, calls: Calls) -> None:
    mai("new", "den", "--defaults", "--no-install", "--no-git", "--preset", "minimal")
    given = calls.last("mai_applied")
    assert (given["plan"].command, given["plan"].before) == ("mai new den", None)
    assert given["project"] == Project(given["plan"].after, tmp_path / "den")


def test_what_it_looks_at_is_part_of_doctor(mai: Mai, project: Path, frozen: None) -> None:
    mai(*ADD)
    name = "mai-frozen: almanac.toml"
    assert json_checks(mai, name) == [{"name": name, "ok": True, "told": "there"}]
    (project / "almanac.toml").unlink()
    assert json_checks(mai, name) == [{"name": name, "ok": False, "told": "it is gone"}]


def json_checks(mai: Mai, name: str) -> list[dict[str, Any]]:
    checks = json.loads(mai("doctor", "--json", expect=1).stdout)["checks"]
    keys = ("name", "ok", "told")
    return [{key: one[key] for key in keys} for one in checks if one["name"] == name]


MUTATING = """\
from mai.plugins import hookimpl


def spoil(manifest):
    manifest.project.clear()
    for instance in manifest.instances:
        instance.answers["spoilt"] = "yes"
        object.__setattr__(instance, "name", "spoilt")


@hookimpl
def mai_validate(manifest):
    spoil(manifest)


@hookimpl
def mai_plan_created(plan):
    spoil(plan.after)
    object.__setattr__(plan, "files", ())


@hookimpl
def mai_applied(plan, project):
    spoil(plan.after)
    spoil(project.manifest)
"""


def test_one_that_changes_what_it_was_given_changes_nothing_of_ours(
    mai: Mai, project: Path, install: Install, calls: Calls
) -> None:
    install("aaa", MUTATING)  # asked before the other
    said = mai(*ADD, "--json").json()
    assert said["project"]["project_name"] == "shop"
    assert "spoilt" not in json.dumps(said)
    assert "spoilt" not in (project / ".mai/lock.json").read_text(encoding="utf-8")
    assert calls.last("mai_applied")["plan"].after.project["project_name"] == "shop"
    assert mai("check", expect=1).stderr == ""
