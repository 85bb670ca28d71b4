"""What `mai plugin new` makes passes its own tests, lint and types at once, of every kind."""

import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from mai.plugins.component import KINDS, Kind
from mai.programs import uv
from mai.testing import CHANGES, CLAIMS, Project, check_component
from mai.testing.environment import VARIABLE, Environment

from tests.conftest import Mai
from tests.plugins.homes import build, world
from tests.testing.conftest import Install

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
LONGEST = "thirty-letters-are-the-longest"


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def plugins(mai: Mai, folder: Path, names: Mapping[Kind, str]) -> list[Path]:
    for kind, name in names.items():
        mai("plugin", "new", name, "--kind", kind, "--no-git")
    return [folder / f"mai-{name}" for name in names.values()]


@pytest.mark.parametrize(
    "names", [{kind: f"own-{kind}" for kind in KINDS}, dict.fromkeys(KINDS, LONGEST)], ids=len
)
def test_all_are_lint_clean_formatted_and_typed(
    mai: Mai, tmp_path: Path, names: dict[Kind, str]
) -> None:
    for kind, name in names.items():
        mai("plugin", "new", name, "--kind", kind, "--into", kind, "--no-git")
        run(tmp_path / kind, "ruff", "check", "--no-cache")
        run(tmp_path / kind, "ruff", "format", "--check", "--no-cache")
    run(tmp_path / "feature", "mypy")


@pytest.mark.slow
def test_all_work_together_in_one_project(
    mai: Mai, tmp_path: Path, install: Install, new_project: Callable[..., Project]
) -> None:
    names = {kind: f"own-{kind}" for kind in KINDS}
    for plugin in plugins(mai, tmp_path, names):
        install(plugin)
    project = new_project()
    for kind, name in names.items():
        project.add(kind, name)
    environment = Environment(Path(sys.executable), tmp_path)
    environment.run(project.root, "ruff", "check", "--no-cache")
    environment.run(project.root, "ruff", "format", "--check", "--no-cache")
    environment.check_types(project.root)
    own = [path for k, n in names.items() for path in project.owned_by(f"{k}.{n}")]
    tests = [path for path in own if path.startswith("tests/")]
    assert len(tests) == len(KINDS)
    environment.run(project.root, "pytest", "-q", "-p", "no:cacheprovider", *tests)


@pytest.mark.parametrize("kind", KINDS)
def test_one_can_be_added_removed_and_updated_under_the_longest_name(
    kind: Kind, mai: Mai, tmp_path: Path, install: Install
) -> None:
    (plugin,) = plugins(mai, tmp_path, {kind: LONGEST})
    install(plugin)
    check_component(f"{kind}/{LONGEST.replace('-', '_')}", claims=CHANGES)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_its_own_tests_pass(kind: Kind, mai: Mai, tmp_path: Path, install: Install) -> None:
    (plugin,) = plugins(mai, tmp_path, {kind: LONGEST})
    install(plugin)
    said = run(plugin, "pytest", "-rP")
    assert "ok  works_in_presets: minimal, standard, full" in said
    run(plugin, "mypy")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tool", "feature"])
def test_its_own_tests_pass_where_mai_is_installed(
    kind: Kind, mai: Mai, tmp_path: Path, checkout: Path
) -> None:
    """As an author runs them: mai from its wheel, and all environments made by uv."""
    build(checkout, tmp_path / "wheels")
    (plugin,) = plugins(mai, tmp_path, {kind: f"own-{kind}"})
    cache = subprocess.run([uv.find(), "cache", "dir"], capture_output=True, text=True, check=True)
    env = world(tmp_path, tmp_path / "wheels") | {
        "UV_CACHE_DIR": cache.stdout.strip(),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    del env[VARIABLE], env["MYPY_CACHE_DIR"]
    command = [uv.find(), "run", "pytest", "-rP"]
    done = subprocess.run(command, cwd=plugin, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = [line.split() for line in done.stdout.splitlines()]
    held = [words[1].rstrip(":") for words in told if words[:1] == ["ok"]]
    assert held == [claim.__name__ for claim in CLAIMS]
    assert (tmp_path / f"cache/mai/testing/{kind}-own_{kind}-python{PYTHON}/.venv").is_dir()


def test_its_wheel_holds_every_file_of_the_component(mai: Mai, tmp_path: Path) -> None:
    (plugin,) = plugins(mai, tmp_path, {"agent": "support"})
    command = [uv.find(), "build", "--quiet", "--offline", "--out-dir", str(tmp_path)]
    subprocess.run(command, cwd=plugin, check=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        built = {name for name in wheel.namelist() if name.startswith("mai_support/")}
    source = plugin / "src"
    files = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert {name for name in built if not name.endswith("/")} == files
    assert "mai_support/support/template/src/{{package_name}}/agents/{{module}}/agent.py" in files


def test_a_dry_run_and_json_tell_what_would_be_made(mai: Mai, tmp_path: Path) -> None:
    argv = ["plugin", "new", "Order Desk", "--kind", "feature"]
    assert "+api = 1" in mai(*argv, "--dry-run").stdout
    planned = mai(*argv, "--dry-run", "--json").json()
    assert not (tmp_path / "mai-order-desk").exists()
    done = mai(*argv, "--json").json()
    assert (planned["status"], done["status"]) == ("planned", "done")
    assert (done["distribution"], done["component"]) == ("mai-order-desk", "feature/order_desk")
    assert [o["path"] for o in planned["outcomes"]] == [o["path"] for o in done["outcomes"]]
    assert all((tmp_path / "mai-order-desk" / o["path"]).is_file() for o in done["outcomes"])
    assert done["next"] == ["cd mai-order-desk", f"{uv.shown()} run pytest -rP"]


def test_it_is_the_same_whenever_it_is_made(mai: Mai, tmp_path: Path) -> None:
    (plugin,) = plugins(mai, tmp_path, {"tool": "weather"})
    mai("plugin", "new", "mai-weather", "--kind", "tool", "--into", "again", "--no-git")
    stated = tomllib.loads((plugin / "pyproject.toml").read_text(encoding="utf-8"))
    assert stated["project"]["entry-points"]["mai.plugins"] == {"weather": "mai_weather.plugin"}
    for path in (one for one in plugin.rglob("*") if one.is_file()):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(plugin)).read_bytes()


def test_its_repository_begins_with_a_commit_of_all_that_is_there(
    mai: Mai, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    made = mai("plugin", "new", "weather", "--kind", "tool", "--json").json()
    assert made["notes"] == []
    assert git(tmp_path / "mai-weather", "log", "--format=%s %an") == "Start mai-weather Ada\n"
    assert git(tmp_path / "mai-weather", "status", "--porcelain") == ""
    tracked = git(tmp_path / "mai-weather", "ls-files").splitlines()
    assert tracked == sorted(one["path"] for one in made["outcomes"])


def test_inside_a_repository_no_other_is_made(mai: Mai, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    said = mai("plugin", "new", "weather", "--kind", "tool").stderr
    assert "note: no repository was made: the folder is in one already\n" in said
    assert not (tmp_path / "mai-weather/.git").exists()


def git(folder: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["weather"], "--kind agent|tool|memory|auth|feature"),
        (["weather", "--kind", "tol"], "did you mean 'tool'?"),
        (["clock", "--kind", "tool"], "tool/clock is there already, from mai-framework"),
        (["sessions", "--kind", "feature"], "try 'my-sessions'"),
        (["modes", "--kind", "auth"], "try 'my-modes'"),
        (["calls", "--kind", "memory"], "try 'my-calls'"),
        (["class", "--kind", "tool"], "'class' is a Python keyword"),
        (["wetter!", "--kind", "tool"], "characters that a package name cannot have"),
        (["x" * 31, "--kind", "tool"], "is longer than 30 characters"),
    ],
)
def test_a_name_or_kind_that_cannot_be_is_refused(mai: Mai, argv: list[str], told: str) -> None:
    assert told in mai("plugin", "new", *argv, expect=2).stderr


def test_a_folder_that_is_not_empty_is_refused(mai: Mai, tmp_path: Path) -> None:
    (tmp_path / "mai-weather").mkdir()
    (tmp_path / "mai-weather" / "mine.txt").write_text("mine\n", encoding="utf-8")
    said = mai("plugin", "new", "weather", "--kind", "tool", expect=1)
    assert "is not empty: it holds 'mine.txt'" in said.stderr
    assert [path.name for path in (tmp_path / "mai-weather").iterdir()] == ["mine.txt"]
