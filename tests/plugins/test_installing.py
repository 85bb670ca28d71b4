"""`mai plugin install` and its kin, where mai was installed in each of the ways that there are."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mai.programs import uv

from tests.plugins.homes import Home, build, run, world, write_plugin, write_repository

MakeHome = Callable[[Path, Path, dict[str, str]], Home]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a running mai.exe cannot be replaced")


@pytest.fixture(scope="session")
def sundial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source of a plugin, in a repository of its own."""
    return write_repository(tmp_path_factory.mktemp("sources") / "sundial", "sundial")


@pytest.fixture(scope="session")
def compass(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The wheels of another plugin, of two versions."""
    source, built = tmp_path_factory.mktemp("compass"), tmp_path_factory.mktemp("built")
    return [build(write_plugin(source, "compass", version), built) for version in ("1.0", "1.1")]


def of_uv_tool(folder: Path, wheel: Path, env: dict[str, str]) -> Home:
    run([uv.find(), "tool", "install", "--python", sys.executable, str(wheel)], folder, env)
    return Home(folder / "bin", folder, env)


def of_pipx(folder: Path, wheel: Path, env: dict[str, str]) -> Home:
    run([uv.find(), "venv", "--quiet", "pipx-itself"], folder)
    python = folder / "pipx-itself/bin/python"
    run([uv.find(), "pip", "install", "--quiet", "--python", str(python), "pipx"], folder, env)
    (folder / "bin").mkdir()
    (folder / "bin/pipx").symlink_to(folder / "pipx-itself/bin/pipx")
    env = {**env, "PATH": f"{folder / 'bin'}{os.pathsep}{env['PATH']}"}
    run(["pipx", "install", "--backend", "uv", str(wheel)], folder, env)
    return Home(folder / "bin", folder, {k: v for k, v in env.items() if k != "PIPX_HOME"})


def of_a_project(folder: Path, wheel: Path, env: dict[str, str]) -> Home:
    project = folder / "shop"
    run([uv.find(), "init", "--quiet", "--bare", "--python", sys.executable, "shop"], folder, env)
    run([uv.find(), "add", "--quiet", "--group", "tools", str(wheel)], project, env)
    run([uv.find(), "sync", "--quiet", "--group", "tools"], project, env)
    return Home(project / ".venv/bin", project, env)


def of_a_plain_environment(folder: Path, wheel: Path, env: dict[str, str]) -> Home:
    """One with a pip of its own, as `python -m venv` makes it."""
    run([uv.find(), "venv", "--quiet", "--seed", "--python", sys.executable, "env"], folder, env)
    python = folder / "env/bin/python"
    run([uv.find(), "pip", "install", "--quiet", "--python", str(python), str(wheel)], folder, env)
    return Home(folder / "env/bin", folder, env)


def of_an_environment_without_pip(folder: Path, wheel: Path, env: dict[str, str]) -> Home:
    run([uv.find(), "venv", "--quiet", "--python", sys.executable, "env"], folder, env)
    python = folder / "env/bin/python"
    run([uv.find(), "pip", "install", "--quiet", "--python", str(python), str(wheel)], folder, env)
    return Home(folder / "env/bin", folder, env)


@pytest.mark.parametrize(
    ("make_home", "source"),
    [
        (of_uv_tool, "git+{uri}@v1"),
        pytest.param(of_pipx, "{path}", marks=pytest.mark.slow),
        (of_a_project, "--editable {path}"),
        (of_a_plain_environment, "{wheel}"),
        pytest.param(of_an_environment_without_pip, "mai-sundial", marks=pytest.mark.slow),
    ],
)
def test_plugins_come_and_go_and_none_is_dropped(
    make_home: MakeHome,
    source: str,
    wheel: Path,
    sundial: Path,
    compass: list[Path],
    tmp_path: Path,
) -> None:
    index = tmp_path / "index"
    index.mkdir()
    shutil.copy(compass[0], index)
    mai = make_home(tmp_path, wheel, world(tmp_path, index))
    built = build(sundial, index)
    typed = source.format(uri=sundial.as_uri(), path=sundial, wheel=built)
    option = ["--editable"] if typed.startswith("--editable ") else []

    done = mai("plugin", "install", *option, typed.removeprefix("--editable "), "--yes", "--json")
    assert (done.json()["status"], done.json()["components"]) == ("done", ["tool/sundial"])
    mai("plugin", "install", "mai-compass", "--yes")
    shutil.copy(compass[1], index)
    mai("plugin", "install", "mai-compass", "--upgrade", "--yes")
    assert versions(mai) == {"mai-compass": "1.1", "mai-sundial": "1.0"}
    gone = mai("plugin", "uninstall", "mai-compass", "--json").json()
    assert (gone["status"], gone["components"]) == ("done", ["tool/compass"])
    assert versions(mai) == {"mai-sundial": "1.0"}


def versions(mai: Home) -> dict[str, str]:
    """What `mai plugin list` says of each plugin but mai's own."""
    own, *others = mai("plugin", "list", "--json").json()["plugins"]
    assert own["distribution"] == "mai-framework"
    assert all(one["state"] == "ok" for one in others)
    return {one["distribution"]: one["version"] for one in others}


def test_a_plugin_that_fails_is_told_and_can_be_taken_away(wheel: Path, tmp_path: Path) -> None:
    mai = of_an_environment_without_pip(tmp_path, wheel, world(tmp_path, tmp_path))
    source = write_plugin(tmp_path / "sundial", "sundial", source="raise RuntimeError('no sun')\n")
    said = mai("plugin", "install", str(source), "--yes", expect=1)
    assert "no sun" in said.stderr
    assert said.stderr.endswith("it is installed and cannot be used: mai plugin doctor\n")
    told = mai("plugin", "doctor", expect=1).stdout
    assert "FAIL  plugin mai-sundial: left out: import mai_sundial.plugin: RuntimeError" in told
    assert "/mai_sundial/plugin.py:1; mai plugin install --upgrade mai-sundial; or mai" in told
    mai("plugin", "uninstall", "mai-sundial")
    assert versions(mai) == {}


def test_without_the_sdk_mai_mcp_says_what_installs_it_there(wheel: Path, tmp_path: Path) -> None:
    mai = of_uv_tool(tmp_path, wheel, world(tmp_path, tmp_path))
    said = mai("mcp", expect=1)
    assert "mai mcp needs the MCP SDK" in said.stderr
    assert f"uv tool install 'mai-framework @ {wheel.as_uri()}'" in said.stderr
    assert "--with 'mcp<3,>=2.3'" in said.stderr
