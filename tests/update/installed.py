"""Another release of mai in the place of the installed one: in this process, or in one of its own.

`python -m tests.update.installed FOLDER VERSION …` is the `mai …` of the release whose template
and components lie in FOLDER.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from mai.commands.app import run
from mai.plugins import loader
from mai.plugins.loader import Catalog
from mai.project.tree import File
from mai.render import engine

from tests.conftest import ROOT
from tests.update.releases import catalog_of, newer

_LEDGER = {
    "component.toml": """\
api = 1
id = "feature/ledger"
kind = "feature"
title = "Ledger"
summary = "Keeps accounts."
dependencies = ["py-moneyed>=3"]
notes = "Close the year by hand."
files.once = ["ledger.toml"]
files.keep = ["*/migrations/versions/ledger/*"]

[[env]]
name = "LEDGER__CURRENCY"
default = "EUR"
help = "What is counted in."
""",
    "template/ledger.toml": 'accounts = ["cash"]\n',
    "template/src/{{package_name}}/ledger/__init__.py": '"""I know what was paid."""\n',
    "template/src/{{package_name}}/migrations/versions/ledger/0001_accounts.py": (
        '"""Accounts."""\n\nrevision = "ledger_0001"\n'
    ),
}
"""A component with a file that stays when it is removed, and one that is the user's at once."""

LEDGER_MIGRATION = "src/shop/migrations/versions/ledger/0001_accounts.py"


def add_ledger(folder: Path) -> None:
    """Gives the release in `folder` the component `feature/ledger`."""
    for path, text in _LEDGER.items():
        file = folder / "plugins/features/ledger" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def release(folder: Path, version: str, *changes: Callable[[Path], object]) -> Catalog:
    """A copy of this checkout's template and components, changed: one state for a whole session,
    whatever is being edited meanwhile."""
    newer(folder, version, add_ledger, *changes)
    return offered(folder, version)


def offered(folder: Path, version: str) -> Catalog:
    """What the release in `folder` offers, with the hooks of the installed mai."""
    installed = loader.load_catalog()
    plugins = {**installed.plugins, "feature/ledger": next(iter(installed.hooks))}
    return replace(catalog_of(folder, version), hooks=installed.hooks, plugins=plugins)


def install(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the commands of this process find `catalog`, and render each layer once."""
    monkeypatch.setattr(loader, "load_catalog", lambda: catalog)
    monkeypatch.setattr(engine, "_rendered", _layer)


def _layer(owner: str, template: Path, context: Mapping[str, Any]) -> dict[str, File]:
    """As the engine renders it; once for the same values of all that the template names."""
    used = {name: value for name, value in context.items() if name in _text(template)}
    key = str(template), json.dumps(used, sort_keys=True)
    if key not in _layers:
        _layers[key] = _rendered(owner, template, context)
    return _layers[key]


@cache
def _text(template: Path) -> str:
    files = [path for path in template.rglob("*") if path.is_file()]
    return "\n".join(f"{path}\n{path.read_text('utf-8', 'replace')}" for path in files)


_rendered = engine._rendered
_layers: dict[tuple[str, str], dict[str, File]] = {}


def command(catalog: Catalog, *argv: str) -> list[str]:
    """What starts a process that is the mai of `catalog`."""
    call = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import runpy; "
    call += f"runpy.run_module({__name__!r}, run_name='__main__')"
    return [sys.executable, "-c", call, str(catalog.core.root), catalog.core.version, *argv]


if __name__ == "__main__":
    folder, version, *argv = sys.argv[1:]
    install(offered(Path(folder), version), pytest.MonkeyPatch())
    run(argv)
