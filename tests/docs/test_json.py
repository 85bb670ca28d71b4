"""Every command's `--json` documents, as the commands print them, against the published schema."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no types
from mai.commands.app import SUMMARIES
from mai.commands.plugin import PluginGroup

from tests import trees
from tests.conftest import Mai
from tests.docs.reference import SCHEMA_FILE, STATUSES
from tests.plugins.homes import write_plugin
from tests.update.releases import make_project

_SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))


def read(text: str, name: str) -> Any:
    """The document, which is one of that name; the schema takes no field more, and none less."""
    document = json.loads(text)
    definition = {"$ref": f"#/$defs/{name}", "$defs": _SCHEMA["$defs"]}
    found = [error.message for error in Draft202012Validator(definition).iter_errors(document)]
    assert not found, found
    return document


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("made") / "shop", trees.catalog())


@pytest.fixture
def project(mai: Mai, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, which is the current folder."""
    root = tmp_path / "shop"
    shutil.copytree(made, root)
    monkeypatch.chdir(root)
    return root


def test_new(mai: Mai) -> None:
    argv = ["new", "shop", "--preset", "minimal", "--defaults", "--no-install", "--json"]
    assert read(mai(*argv, "--dry-run").stdout, "Made")["status"] == "planned"
    assert read(mai(*argv).stdout, "Made")["status"] == "done"
    assert read(mai(*argv, expect=1).stdout, "Failed")["error"]["code"] == "target_refused"
    assert read(mai("new", "1", "--json", expect=2).stdout, "Failed")["status"] == "error"


def test_a_plugin_of_your_own(mai: Mai) -> None:
    argv = ["plugin", "new", "weather", "--kind", "tool", "--json"]
    assert read(mai(*argv, "--dry-run").stdout, "PluginMade")["next"] == []
    assert read(mai(*argv).stdout, "PluginMade")["status"] == "done"
    assert read(mai(*argv, expect=1).stdout, "Failed")["error"]["code"] == "target_refused"


def test_a_change_and_its_way_back(mai: Mai, project: Path) -> None:
    add = ["add", "agent", "support", "--no-install", "--json"]
    planned = read(mai(*add, "--dry-run").stdout, "Changed")
    done = read(mai(*add).stdout, "Changed")
    assert (planned["status"], done["status"]) == ("planned", "done")
    assert all(outcome.pop("diff") for outcome in planned["outcomes"])
    assert [{**outcome, "diff": None} for outcome in planned["outcomes"]] == done["outcomes"]
    assert {"kind": "agent", "name": "support"}.items() <= done["instances"][-1].items()
    assert read(mai(*add).stdout, "Changed")["status"] == "unchanged"
    assert read(mai("update", "--json").stdout, "Changed")["status"] == "unchanged"
    undo = ["undo", "--no-install", "--json"]
    assert read(mai(*undo, "--dry-run").stdout, "Undone")["undone"] == "mai add agent support"
    assert read(mai(*undo).stdout, "Undone")["status"] == "done"
    assert read(mai(*undo, expect=1).stdout, "Failed")["error"]["code"] == "refused"
    remove = mai("remove", "agent", "assistant", "--no-install", "--json").stdout
    assert read(remove, "Changed")["status"] == "done"
    nothing = mai("remove", "agent", "assistant", "--json", expect=2).stdout
    assert read(nothing, "Failed")["error"]["code"] == "unknown_name"


def test_a_conflict_until_it_is_resolved(mai: Mai, project: Path) -> None:
    assert read(mai("resolve", "--json").stdout, "Resolved")["status"] == "unchanged"
    readme = project / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(text.replace("# Shop\n", "# My shop\n"), encoding="utf-8")
    said = mai("set", "project_title=Kiosk", "--no-install", "--json", expect=1)
    changed = read(said.stdout, "Changed")
    assert changed["status"] == "conflict"
    assert [o["path"] for o in changed["outcomes"] if o["action"] == "conflict"] == ["README.md"]
    assert read(mai("status", "--json").stdout, "Status")["conflicts"] == ["README.md"]
    assert read(mai("resolve", "--json", expect=1).stdout, "Failed")["error"]["hint"]
    readme.write_text(text.replace("# Shop\n", "# My kiosk\n"), encoding="utf-8")
    assert read(mai("resolve", "--no-install", "--json").stdout, "Resolved")["status"] == "done"


def test_what_a_project_is_made_of(mai: Mai, project: Path) -> None:
    agent = "src/shop/agents/assistant/agent.py"
    with (project / agent).open("a", encoding="utf-8") as file:
        file.write("# mine\n")
    assert read(mai("status", "--json").stdout, "Status")["edited"] == [agent]
    assert list(read(mai("diff", "--json").stdout, "Diffs")["diffs"]) == [agent]
    own = read(mai("why", agent, "--json").stdout, "Origin")
    assert (own["owner"], own["edited"]) == ("agent.assistant", True)
    shared = read(mai("why", "pyproject.toml", "--json").stdout, "Origin")
    assert (shared["owner"], shared["component"]) == ("core", None)
    (project / "mine.py").touch()
    assert read(mai("why", "mine.py", "--json").stdout, "Origin")["owner"] is None
    listed = read(mai("list", "tool", "--json").stdout, "Listed")["components"]
    assert {one["kind"] for one in listed} == {"tool"}


def test_what_is_wrong(mai: Mai, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / ".mai/base.tar.gz").write_bytes(b"")
    for command in ("check", "doctor"):
        told = read(mai(command, "--json", expect=1).stdout, "Checked")
        assert told["command"] == command
        assert {"name": "base", "ok": False}.items() <= told["checks"][0].items()
    monkeypatch.chdir(project.parent)
    assert read(mai("check", "--json", expect=1).stdout, "Failed")["error"]["code"]


def test_plugins(mai: Mai, tmp_path: Path) -> None:
    own = read(mai("plugin", "list", "--json").stdout, "Plugins")["plugins"][0]
    assert (own["distribution"], own["state"]) == ("mai-framework", "ok")
    source = write_plugin(tmp_path / "sundial", "sundial")
    install = ["plugin", "install", str(source), "--json"]
    assert read(mai(*install, "--dry-run").stdout, "PluginChanged")["status"] == "planned"
    assert read(mai(*install, expect=1).stdout, "Failed")["error"]["code"] == "refused"
    assert read(mai("plugin", "doctor", "--json").stdout, "Checked")["status"] == "done"


def test_every_command_and_every_status_is_in_the_schema() -> None:
    commands, statuses = set(), set()
    for definition in _SCHEMA["$defs"].values():
        stated = definition["properties"]
        commands |= _values(stated.get("command", {}))
        statuses |= _values(stated.get("status", {}))
    own = set(SUMMARIES) - {"mcp", "plugin"}
    of_plugins = {f"plugin {name}" for name in PluginGroup.summaries}
    assert (commands, statuses) == (own | of_plugins, set(STATUSES))


def _values(stated: dict[str, Any]) -> set[str]:
    return set(stated.get("enum", ())) | ({stated["const"]} if "const" in stated else set())
