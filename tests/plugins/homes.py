"""Real environments in which mai lives, and small plugins to install there."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mai.programs import uv

from tests.conftest import Said

_PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "mai-{tool}"
version = "{version}"
dependencies = ["{needs}"]

[project.entry-points."mai.plugins"]
{tool} = "mai_{tool}.plugin"
"""

_PLUGIN = """\
from mai.plugins import Component, hookimpl


@hookimpl
def mai_components():
    return Component.load_all(__package__)
"""

_COMPONENT = """\
api = 1
id = "tool/{tool}"
kind = "tool"
title = "{tool}"
summary = "Tells what a {tool} tells."
"""


@dataclass(frozen=True)
class Home:
    """A mai that was installed some way."""

    scripts: Path
    folder: Path
    """Where its commands are run."""
    env: dict[str, str]

    def __call__(self, *argv: str, expect: int = 0) -> Said:
        done = subprocess.run(
            [self.scripts / "mai", *argv],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = Said(done.returncode, done.stdout, done.stderr)
        assert said.exit_code == expect, f"{said.exit_code}\n{said.stdout}\n{said.stderr}"
        return said


def world(folder: Path, wheels: Path) -> dict[str, str]:
    """An environment in which programs write below `folder` only, and find `wheels` by name."""
    own = {
        "PATH": f"{Path(uv.find()).parent}{os.pathsep}{os.environ['PATH']}",
        "PIP_FIND_LINKS": f"{os.environ.get('PIP_FIND_LINKS', '')} {wheels}".strip(),
        "PIP_NO_INDEX": "1",
        "PIPX_BIN_DIR": str(folder / "bin"),
        "PIPX_HOME": str(folder / "pipx"),
        "UV_FIND_LINKS": str(wheels),
        "UV_TOOL_BIN_DIR": str(folder / "bin"),
        "UV_TOOL_DIR": str(folder / "tools"),
    }
    left_out = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "UV", "VIRTUAL_ENV"}
    return {**{key: value for key, value in os.environ.items() if key not in left_out}, **own}


def write_plugin(
    folder: Path, tool: str, version: str = "1.0", *, needs: str = "mai-framework", source: str = ""
) -> Path:
    """A plugin `mai-TOOL`, which offers `tool/TOOL`."""
    module = folder / f"mai_{tool}"
    files = {
        folder / "pyproject.toml": _PYPROJECT.format(tool=tool, version=version, needs=needs),
        module / "__init__.py": "",
        module / "plugin.py": source or _PLUGIN,
        module / tool / "component.toml": _COMPONENT.format(tool=tool),
        module / tool / "template/src/{{package_name}}/tools" / f"{tool}.py": f'"""{tool}."""\n',
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def write_repository(folder: Path, tool: str) -> Path:
    """A plugin in a git repository, tagged `v1`."""
    write_plugin(folder, tool)
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    run(["git", "init", "--quiet"], folder)
    run(["git", "add", "--all"], folder)
    run(["git", *identity, "commit", "--quiet", "--no-verify", "-m", "Release"], folder)
    run(["git", "tag", "v1"], folder)
    return folder


def build(source: Path, target: Path) -> Path:
    """The wheel of the project at `source`, in `target`."""
    target.mkdir(exist_ok=True)
    there = set(target.glob("*.whl"))
    run([uv.find(), "build", "--quiet", "--wheel", "--out-dir", str(target)], source)
    (wheel,) = set(target.glob("*.whl")) - there
    return wheel


def run(command: list[str], folder: Path, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
