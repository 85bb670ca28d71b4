"""Plugins as they are installed: distributions in a folder of `sys.path`."""

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from tests import trees
from tests.conftest import Mai
from tests.plugins.homes import build
from tests.update.releases import make_project

DATA = Path(__file__).parent / "data"

COMPONENT = """\
api = 1
id = "tool/{name}"
kind = "tool"
title = "{title}"
summary = "Does what {name} does."
"""
PLUGIN = """\
from mai.plugins import *
from mai.plugins import hookimpl


@hookimpl
def mai_components():
    return Component.load_all(__package__)
"""


class Install(Protocol):
    def __call__(
        self,
        name: str,
        source: str = PLUGIN,
        *,
        version: str = "1.0",
        component: str | None = None,
        files: Mapping[str, str] = {},
        entry: str = "plugin",
    ) -> Path: ...


def write_plugin(
    site: Path,
    name: str,
    source: str = PLUGIN,
    *,
    version: str = "1.0",
    component: str | None = None,
    files: Mapping[str, str] = {},
    entry: str = "plugin",
) -> Path:
    """Installs the distribution `mai-NAME` with a tool of that name, or without one; returns the
    folder of its package. `component` is its `component.toml`, `files` lie in its folder."""
    info, package = site / f"mai_{name}.dist-info", site / f"mai_{name}"
    stated = COMPONENT.format(name=name, title=name.title()) if component is None else component
    written = {
        info / "METADATA": f"Metadata-Version: 2.1\nName: mai-{name}\nVersion: {version}\n",
        info / "entry_points.txt": f"[mai.plugins]\n{entry} = mai_{name}.plugin\n",
        package / "__init__.py": "",
        package / "plugin.py": source,
        package / name / "component.toml": stated,
        package / name / f"template/{name}.txt.jinja": "{{ project_name }}\n",
        **{package / name / path: text for path, text in files.items()},
    }
    for path, text in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return package


@pytest.fixture(scope="session")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of mai."""
    return build(checkout, tmp_path_factory.mktemp("mai"))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where plugins are installed; what was imported from it is forgotten."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    yield folder
    forget_plugins()


def forget_plugins() -> None:
    """Lets the next command import plugins anew, as a new process does."""
    for name in [name for name in sys.modules if name.startswith("mai_")]:
        del sys.modules[name]


@pytest.fixture
def install(site: Path) -> Install:
    def write(name: str, *args: str, **kwargs: object) -> Path:
        forget_plugins()
        return write_plugin(site, name, *args, **kwargs)  # type: ignore[arg-type]

    return write


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the minimal preset, to be copied."""
    return make_project(tmp_path_factory.mktemp("made") / "shop", trees.catalog())


@pytest.fixture
def project(made: Path, tmp_path: Path, mai: Mai, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of the minimal preset, which is the current folder."""
    root = Path(shutil.copytree(made, tmp_path / "shop"))
    monkeypatch.chdir(root)
    return root
