"""What a project holds of a plugin, and what is installed of it, are not the same any more."""

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import Mai
from tests.plugins.conftest import COMPONENT, Install, forget_plugins

NEWER = {"template/good.txt.jinja": "another {{ project_name }}\n"}


@pytest.fixture
def held(mai: Mai, install: Install, project: Path) -> Path:
    """A file of `tool/good` of `mai-good` 1.0, in a project that holds it."""
    install("good")
    mai("add", "tool", "good", "--no-install")
    return project / "good.txt"


def uninstall(site: Path, name: str) -> None:
    shutil.rmtree(site / f"mai_{name}.dist-info")
    shutil.rmtree(site / f"mai_{name}")
    forget_plugins()


def told(mai: Mai) -> tuple[bool, str, str]:
    """What `mai doctor` says of the instance."""
    checks = json.loads(mai("doctor", "--json", expect=1).stdout)["checks"]
    (check,) = [one for one in checks if one["name"] == "tool.good"]
    return check["ok"], check["told"], check["mend"]


def locked(held: Path) -> tuple[str, str]:
    text = (held.parent / ".mai/lock.json").read_text(encoding="utf-8")
    instance = json.loads(text)["instances"]["tool.good"]
    return instance["provider"], instance["version"]


def test_one_that_is_missing_is_named_with_what_to_install(
    mai: Mai, held: Path, site: Path
) -> None:
    uninstall(site, "good")
    mend = "install its plugin: mai plugin install 'mai-good>=1.0'"
    assert told(mai) == (False, "tool/good is not installed: its files stay as they are", mend)
    assert f"tool.good: tool/good is not installed: its files stay as they are; {mend}\n" in (
        mai("status").stdout
    )
    mai("add", "tool", "weather", "--no-install")
    note = f"note: tool.good: tool/good is not installed: its files stay as they are; {mend}\n"
    assert note in mai("update", "--no-install").stderr
    assert held.read_text(encoding="utf-8") == "shop\n"
    said = mai("set", "tool.good.x=1", expect=2).stderr
    assert said == f"error: tool/good is not installed\n hint: {mend}\n"
    assert mend in mai("add", "tool", "other", "--from", "good", expect=2).stderr
    mai("remove", "tool", "good", "--no-install")
    assert not held.exists()


def test_one_that_fails_is_not_told_to_be_installed(mai: Mai, held: Path, install: Install) -> None:
    install("good", "1 / 0")
    why = "tool/good of mai-good is left out: its files stay as they are"
    assert told(mai) == (False, why, "mai plugin doctor")
    assert f"note: tool.good: {why}; mai plugin doctor\n" in mai("update").stderr


def test_one_that_offers_it_no_more_is_named_with_the_ways_out(
    mai: Mai, held: Path, install: Install
) -> None:
    package = install("good", version="2.0")
    (package / "good").rename(package / "other")
    stated = COMPONENT.format(name="other", title="Other")
    (package / "other/component.toml").write_text(stated, encoding="utf-8")
    ok, why, mend = told(mai)
    assert (ok, why) == (False, "mai-good 2.0 has no tool/good: its files stay as they are")
    assert mend.startswith("mai plugin install 'mai-good==1.0'; or mai remove tool good --ours")
    mai("remove", "tool", "good", "--ours", "--no-install")
    assert held.read_text(encoding="utf-8") == "shop\n"


def test_a_component_that_nobody_knows_may_be_a_plugins(mai: Mai, project: Path) -> None:
    said = mai("add", "memory", "qdrant", expect=2).stderr
    assert "no memory component 'qdrant'" in said
    assert "mai plugin install NAME" in said
    argv = ("new", "den", "--defaults", "--dry-run", "--with", "tool:moon")
    assert "or a plugin brings it: mai plugin install NAME" in mai(*argv, expect=2).stderr


def test_one_that_a_failing_plugin_may_bring_is_not_begun_anew(
    mai: Mai, project: Path, install: Install
) -> None:
    install("moon_phase", "1 / 0")
    told = "mai-moon_phase, which may bring it, is left out: mai plugin doctor"
    assert told in mai("add", "tool", "moon-phase", "--no-install", expect=2).stderr
    argv = ("new", "den", "--defaults", "--dry-run", "--with", "tool:moon-phase")
    assert told in mai(*argv, expect=2).stderr
    mai("add", "tool", "moon-phase", "--from", "basic", "--no-install")


def test_one_that_is_newer_waits_for_an_update(mai: Mai, held: Path, install: Install) -> None:
    install("good", version="1.10", files=NEWER)
    assert told(mai) == (
        True,
        "tool/good is of mai-good 1.0, 1.10 is installed: mai update brings it",
        "",
    )
    assert "1.10 is installed: mai update brings it\n" in mai("status").stdout
    mai("add", "tool", "weather", "--no-install")
    assert (held.read_text(encoding="utf-8"), locked(held)) == ("shop\n", ("mai-good", "1.0"))
    mai("update", "--no-install")
    assert mai("status", "--json").json()["plugins"] == []
    assert held.read_text(encoding="utf-8") == "another shop\n"
    assert locked(held) == ("mai-good", "1.10")


def test_conflicts_with_it_are_told_by_its_versions(mai: Mai, held: Path, install: Install) -> None:
    held.write_text("my shop\n", encoding="utf-8")
    install("good", version="1.1", files=NEWER)
    said = mai("update", "--no-install", expect=1).stderr
    assert "you and mai-good 1.1 changed the same lines" in said
    assert held.read_text(encoding="utf-8") == (
        "<<<<<<< yours\nmy shop\n||||||| mai-good 1.0\nshop\n"
        "=======\nanother shop\n>>>>>>> mai-good 1.1\n"
    )


def test_one_that_is_older_takes_nothing_back(mai: Mai, held: Path, install: Install) -> None:
    install("good", version="0.9", files=NEWER)
    mend = "install its plugin: mai plugin install 'mai-good>=1.0'"
    assert told(mai) == (
        False,
        "tool/good is of mai-good 1.0, 0.9 is installed, which is older",
        mend,
    )
    mai("add", "tool", "weather", "--no-install")
    said = mai("update", "--no-install").stderr
    assert "mai-good is left out: tool/good is of 1.0, 0.9 is installed" in said
    assert (held.read_text(encoding="utf-8"), locked(held)) == ("shop\n", ("mai-good", "1.0"))


def test_one_that_another_replaces_changes_hands_by_an_update_alone(
    mai: Mai, held: Path, install: Install, site: Path
) -> None:
    uninstall(site, "good")
    other = COMPONENT.format(name="good", title="Good")
    install("fork", component=other, files={"template/good.txt": "of the fork\n"})
    (site / "mai_fork/fork/template/fork.txt.jinja").unlink()
    ok, what, mend = told(mai)
    assert (ok, what) == (False, "tool/good is of mai-good 1.0, mai-fork 1.0 offers it now")
    assert "mai plugin install 'mai-good>=1.0'" in mend
    assert "mai update" in mend
    mai("add", "tool", "weather", "--no-install")
    assert (held.read_text(encoding="utf-8"), locked(held)) == ("shop\n", ("mai-good", "1.0"))
    said = mai("update", "--no-install").stderr
    assert "note: tool/good is of mai-fork now, not mai-good" in said
    assert held.read_text(encoding="utf-8") == "of the fork\n"
    assert locked(held) == ("mai-fork", "1.0")
    mai("undo", "--no-install")
    assert held.read_text(encoding="utf-8") == "shop\n"
