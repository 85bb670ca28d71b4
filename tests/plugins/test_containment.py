"""Bad plugins of every sort: each costs one line, and hurts nobody."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from mai.plugins import host

from tests.conftest import Mai, Said
from tests.plugins.conftest import COMPONENT, PLUGIN, Install

# Copier leaves a folder open when it gives up.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed scandir iterator:ResourceWarning")

HOOK = "from mai.plugins import hookimpl\n\n\n@hookimpl\ndef "
ENDLESS = "import threading; threading.Event().wait()"
GOOD = 'api = 1\nid = "tool/{0}"\nkind = "tool"\ntitle = "T"\nsummary = "S."\n'


@dataclass(frozen=True)
class Bad:
    told: str
    source: str = PLUGIN
    version: str = "1.0"
    component: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)


AT_ONCE = {
    "absent": Bad("ModuleNotFoundError", "import no_such_module_anywhere"),
    "broken": Bad("SyntaxError", "def ("),
    "exiting": Bad("SystemExit: 3", "raise SystemExit(3)"),
    "interrupting": Bad("KeyboardInterrupt", "raise KeyboardInterrupt"),
    "misspelt": Bad("unknown hook 'mai_component'", f"{HOOK}mai_component(): ..."),
    "demanding": Bad("{'colour'}", f"{HOOK}mai_components(colour): ..."),
    "newer": Bad("plugin API 2, this mai knows", component=GOOD.format("newer").replace("1", "2")),
    "ancient": Bad("plugin API 0, this mai", component=GOOD.format("ancient").replace("1", "0")),
    "apiless": Bad("api: Field required", component=GOOD.format("apiless")[8:]),
    "clashing": Bad("tool/clock is also offered by mai-framework", component=GOOD.format("clock")),
    "untoml": Bad("is not TOML", component="api = "),
    "latin": Bad("dependencies.0: 'a b c' is not of PEP 508",
                 component=GOOD.format("latin") + 'dependencies = ["a b c"]\n'),
    "undated": Bad("'soon' is not of PEP 440",
                   component=GOOD.format("undated") + '[updates]\nsoon = "Wait."\n'),
    "strange": Bad("does not know colour", files={"copier.yml": "a: {type: str, colour: red}"}),
    "tasking": Bad("_tasks: a component has questions only", files={"copier.yml": "_tasks: [ls]"}),
    "including": Bad("compose.fragments.0",
                     component=GOOD.format("including") + '[compose]\nfragments = ["../x"]\n'),
    "hanging": Bad("TimeoutError: it takes longer than", f"{HOOK}mai_components(): {ENDLESS}"),
    "stuck": Bad("TimeoutError: it takes longer than", ENDLESS),
    "raising": Bad("ZeroDivisionError", f"{HOOK}mai_components(): 1 / 0"),
    "confused": Bad("expected Component, got 'a'", f"{HOOK}mai_components(): return 'abc'"),
    "waiting": Bad("TypeError", f"{HOOK}mai_components(): return 3"),
    "nameless": Bad("version 'dev' is not of PEP 440", version="dev"),
}  # fmt: skip
"""What shows as soon as a plugin is looked at."""

WHEN_CALLED = {
    "mai_contribute": "(component, project)",
    "mai_validate": "(manifest)",
    "mai_migrate_answers": "(component, from_version, answers)",
    "mai_plan_created": "(plan)",
    "mai_applied": "(plan, project)",
    "mai_doctor": "(project)",
}

UNRENDERABLE = {
    "torn": {"template/torn.txt.jinja": "{% if %}"},
    "vague": {"template/vague.txt.jinja": "{{ nobody_knows_it }}"},
    "adding": {"template/adding.txt.jinja": "{{ 1 + 'a' }}"},
    "leaving": {"template/{{ ['..', '..', 'evil.txt'] | join('\\x2f') }}": "evil"},
    "rooted": {"template/{{ '\\x2ftmp\\x2fevil.txt' }}": "evil"},
    "hooking": {"template/.git/hooks/post-checkout": "evil"},
    "ruling": {"template/.MAI/manifest.toml": "evil"},
    "taking": {"template/README.md": "mine"},
    "asking": {"copier.yml": "town: {type: str, default: '{{ nobody_knows_it }}'}"},
}
"""What shows when a component is rendered."""


@pytest.fixture(autouse=True)
def _short_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "LIMIT_S", 0.7)


def install_bad(install: Install, name: str) -> None:
    bad = AT_ONCE[name]
    install(name, bad.source, version=bad.version, component=bad.component, files=bad.files)


def warnings(said: Said) -> list[str]:
    """The lines about plugins, without their beginning."""
    start = "warning: plugin "
    lines = said.stderr.splitlines()
    return [line.removeprefix(start) for line in lines if line.startswith(start)]


@pytest.mark.parametrize("name", AT_ONCE)
def test_a_bad_plugin_is_one_line_and_hurts_no_other(mai: Mai, install: Install, name: str) -> None:
    install_bad(install, name)
    install("good")
    said = mai("list", "tool")
    (line,) = warnings(said)
    assert line.startswith(f"mai-{name} is left out: ")
    assert AT_ONCE[name].told in line
    assert "tool good " in said.stdout


LINES = {
    "absent": "plugin.py:1",
    "broken": "plugin.py:1",
    "exiting": "plugin.py:1",
    "interrupting": "plugin.py:1",
    "misspelt": "plugin.py:4",
    "demanding": "plugin.py:4",
    "newer": "newer/component.toml:1",
    "ancient": "ancient/component.toml:1",
    "apiless": "apiless/component.toml",
    "untoml": "untoml/component.toml:1",
    "latin": "latin/component.toml:6",
    "undated": "undated/component.toml:7",
    "strange": "strange/copier.yml:1",
    "tasking": "tasking/copier.yml:1",
    "including": "including/component.toml:7",
    "hanging": "plugin.py:5",
    "halting": "plugin.py:1",
    "raising": "plugin.py:5",
}
"""Where `mai plugin doctor` says to look, in the folder of the package."""

TEMPLATE_LINES = {
    "torn": "torn/template/torn.txt.jinja:1",
    "vague": "vague/template/vague.txt.jinja:1",
    "adding": "adding/template/adding.txt.jinja:1",
    "asking": "asking/copier.yml:1",
}


def test_the_doctor_of_plugins_says_where_to_look(mai: Mai, install: Install, site: Path) -> None:
    bad = {*AT_ONCE} - {"stuck"}  # another test's import of it goes on and on
    for name in bad:
        install_bad(install, name)
    install("halting", ENDLESS)
    for name in ("torn", "vague", "adding", "asking", "taking"):
        install(name, files=UNRENDERABLE[name])
    install("contributing", f"{PLUGIN}\n\n@hookimpl\ndef mai_contribute(component): 1 / 0\n")
    install("good")
    checks = mai("plugin", "doctor", "--json", expect=1).json()["checks"]
    found = {one["name"].removeprefix("plugin mai-"): one for one in checks}
    assert {name for name, one in found.items() if one["ok"]} >= {"good", "framework"}
    places = LINES | TEMPLATE_LINES | {"contributing": "plugin.py:11"}
    for name, place in places.items():
        look, _, rest = found[name]["mend"].partition("; ")
        assert look == f"look at {site}/mai_{name}/{place}", name
        assert rest, name
    assert "README.md belongs to core" in found["taking"]["told"]
    unknown = bad - {*LINES}
    assert not any(found[name]["mend"].startswith("look at") for name in unknown)


def test_plugins_may_have_one_name_for_their_entry_points(mai: Mai, install: Install) -> None:
    install("one", entry="tools")
    install("two", entry="tools")
    said = mai("list", "tool")
    assert warnings(said) == []
    assert "Does what one does. [mai-one 1.0]" in said.stdout
    assert "Does what two does. [mai-two 1.0]" in said.stdout


def test_of_two_that_offer_the_same_both_are_named(mai: Mai, install: Install) -> None:
    install("one")
    install("two", component=COMPONENT.format(name="one", title="One"))
    assert warnings(mai("list")) == ["mai-two is left out: tool/one is also offered by mai-one"]
    mends = [one["mend"] for one in mai("doctor", "--json", expect=1).json()["checks"]]
    assert "keep one: mai plugin uninstall mai-one" in mends


@pytest.mark.parametrize("text", ["[mai.plugins]\nno equals sign\n", "[mai.plugins]\n\xff = a\n"])
def test_metadata_that_cannot_be_read_spoils_no_other(
    mai: Mai, install: Install, site: Path, text: str
) -> None:
    install("good")
    (install("odd").with_name("mai_odd.dist-info") / "entry_points.txt").write_bytes(
        text.encode("latin-1")
    )
    (install("bare").with_name("mai_bare.dist-info") / "METADATA").unlink()
    said = mai("list", "tool")
    assert "tool good " in said.stdout
    assert all(str(site) in line for line in warnings(said))


def test_what_it_prints_stays_out_of_the_data(mai: Mai, install: Install) -> None:
    install("loud", f"print('loud import')\n{PLUGIN}    ".replace("return", "print('hi');return"))
    said = mai("list", "--json")
    assert "tool/loud" in [one["id"] for one in said.json()["components"]]
    assert "loud import" in said.stderr


@pytest.mark.parametrize("fault", ["1 / 0", "raise SystemExit", ENDLESS, "return 'abc'"])
def test_a_hook_that_fails_costs_one_line_and_the_command_goes_on(
    mai: Mai, install: Install, project: Path, fault: str
) -> None:
    install("bad")
    mai("add", "tool", "bad", "--no-install")
    hooks = (f"\n\n@hookimpl\ndef {name}{given}: {fault}\n" for name, given in WHEN_CALLED.items())
    install("bad", PLUGIN + "".join(hooks), version="1.1")
    before = (project / "bad.txt").read_bytes()
    for argv, expect in (
        (("add", "tool", "weather", "--no-install"), 0),
        (("set", "tool.weather.x=1"), 2),
        (("update", "--no-install"), 0),
        (("remove", "tool", "weather", "--no-install"), 0),
    ):
        (line,) = warnings(mai(*argv, expect=expect)) or ("nothing",)
        assert line == "nothing" if expect == 2 else "mai-bad is left out: mai_" in line
    found = mai("doctor", "--json", expect=1).json()["checks"]
    assert [one["ok"] for one in found if one["name"] == "plugin mai-bad"] == [False]
    assert (project / "bad.txt").read_bytes() == before


@pytest.mark.parametrize("hook", WHEN_CALLED)
def test_each_hook_is_contained(mai: Mai, install: Install, project: Path, hook: str) -> None:
    install("bad")
    mai("add", "tool", "bad", "--no-install")
    source = f"{PLUGIN}\n\n@hookimpl\ndef {hook}{WHEN_CALLED[hook]}: 1 / 0\n"
    install("bad", source, version="1.1")
    told = f"{hook}: ZeroDivisionError: division by zero"
    if hook == "mai_doctor":
        checks = mai("doctor", "--json", expect=1).json()["checks"]
        assert f"left out: {told}" in [one["told"] for one in checks]
        return
    said = mai("update", "--no-install")
    assert warnings(said) == [f"mai-bad is left out: {told}"]
    stays = hook in {"mai_contribute", "mai_validate", "mai_migrate_answers"}
    lock = (project / ".mai/lock.json").read_text(encoding="utf-8")
    assert ('"version": "1.1"' in lock) is not stays


@pytest.mark.parametrize("name", UNRENDERABLE)
def test_a_component_that_cannot_be_rendered_is_refused_by_name(
    mai: Mai, install: Install, project: Path, name: str
) -> None:
    install(name, files=UNRENDERABLE[name])
    before = set(project.parent.rglob("*"))
    said = mai("add", "tool", name, "--no-install", expect=1)
    assert name in said.stderr or "town" in said.stderr
    assert "Traceback" not in said.stderr
    after = {path for path in project.parent.rglob("*") if "__pycache__" not in path.parts}
    assert {path for path in after - before if ".undo" not in path.parts} == set()
    assert not Path("/tmp/evil.txt").exists()  # noqa: S108 - there it would be


@pytest.mark.parametrize("name", ["torn", "taking", "asking"])
def test_one_that_could_be_rendered_before_stays_as_it_is(
    mai: Mai, install: Install, project: Path, name: str
) -> None:
    install(name)
    mai("add", "tool", name, "--no-install")
    before = (project / f"{name}.txt").read_bytes()
    install(name, files=UNRENDERABLE[name], version="2.0")
    for argv in (("add", "tool", "weather"), ("update",)):
        (line,) = warnings(mai(*argv, "--no-install"))
        assert line.startswith(f"mai-{name} is left out: ")
        assert f"the files of tool.{name} stay as they are" in line
    assert (project / f"{name}.txt").read_bytes() == before
    assert '"version": "1.0"' in (project / ".mai/lock.json").read_text(encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_out_of_a_template_is_refused(mai: Mai, install: Install, project: Path) -> None:
    (install("linking") / "linking/template/passwd").symlink_to("/etc/passwd")
    assert "passwd" in mai("add", "tool", "linking", "--no-install", expect=1).stderr


def test_with_all_of_them_at_once_every_command_works(
    mai: Mai, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in UNRENDERABLE:
        install(name)
    held = [f"--with=tool:{name}" for name in UNRENDERABLE]
    mai("new", "shop", "--defaults", "--preset", "minimal", *held, "--no-install", "--no-git")
    monkeypatch.chdir(tmp_path / "shop")
    for name in AT_ONCE:
        install_bad(install, name)
    for name, files in UNRENDERABLE.items():
        install(name, files=files, version="2.0")
    for name, given in WHEN_CALLED.items():
        install(name[4:], f"{PLUGIN}\n\n@hookimpl\ndef {name}{given}: 1 / 0\n")
    install("good")
    always = {f"mai-{name}" for name in AT_ONCE}
    rendering = always | {f"mai-{name}" for name in UNRENDERABLE}
    rendering |= {"mai-validate", "mai-plan_created"}
    changing = rendering | {"mai-applied"}
    for argv, expected in (
        (("list",), always),
        (("status",), always),
        (("diff",), always),
        (("why", "README.md"), always),
        (("add", "tool", "good", "--no-install"), changing),
        (("add", "tool", "weather", "--no-install", "--dry-run"), rendering),
        (("set", "agent.assistant.model=demo", "--no-install"), changing),
        (("update", "--no-install"), rendering),
        (("undo", "--no-install"), set()),
        (("remove", "tool", "good", "--no-install"), changing),
        (("resolve",), set()),
        (("new", "den", "--defaults", "--dry-run"), always | {"mai-validate", "mai-plan_created"}),
    ):
        said = mai(*argv)
        named = [line.partition(" is left out")[0] for line in warnings(said)]
        assert sorted(named) == sorted(set(named)), argv
        assert set(named) == expected, argv
    mai("check", expect=1)
    checks = mai("doctor", "--json", expect=1).json()["checks"]
    told = [one["name"] for one in checks if one["name"].startswith("plugin ")]
    assert sorted(told) == sorted({*(f"plugin {name}" for name in always), "plugin mai-doctor",
                                   "plugin mai-validate"})  # fmt: skip
