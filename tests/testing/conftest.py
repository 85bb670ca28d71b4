"""Components that are installed for a test, and what makes many of them quick to try."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from mai.programs import uv
from mai.project.tree import File
from mai.render import engine
from mai.testing.environment import VARIABLE

Install = Callable[[Path], None]


@pytest.fixture(autouse=True)
def _union_environment(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """This interpreter, which has what all projects need, lints, types and tests them."""
    assert pytestconfig.cache is not None
    monkeypatch.setenv(VARIABLE, sys.executable)
    monkeypatch.setenv("MYPY_CACHE_DIR", str(pytestconfig.cache.mkdir("mypy")))


@pytest.fixture(scope="session", autouse=True)
def _core_rendered_once() -> Iterator[None]:
    """The core of a project is rendered once for the same answers; a component always anew."""
    rendered, kept = engine._rendered, dict[str, dict[str, File]]()

    def once(owner: str, template: Path, context: Mapping[str, Any], *rest: Any) -> dict[str, File]:
        if owner != "core":
            return rendered(owner, template, context, *rest)
        key = repr((template, context))
        if key not in kept:
            kept[key] = rendered(owner, template, context)
        return dict(kept[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_rendered", once)
        yield


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Builds a plugin and installs it beside mai, for this process and those that it starts."""
    site = tmp_path / "site"
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site))

    def build(plugin: Path) -> None:
        command = [uv.find(), "pip", "install", "--quiet", "--offline", "--no-deps"]
        command += ["--python", sys.executable, "--target", str(site), str(plugin)]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
        assert done.returncode == 0, done.stderr

    yield build
    for name in [name for name in sys.modules if name.startswith("mai_")]:
        del sys.modules[name]
