"""Older and newer releases of mai: their templates and components, as a catalog that renders them.

A folder in `releases/` is the template of that release, as `git archive` gives it from the
release's commit: `copier.yml`, `template/` and `plugins/`.
"""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mai.plugins.component import Component
from mai.plugins.core import Core, core_root
from mai.plugins.host import Provider
from mai.plugins.loader import Catalog
from mai.project.pristine import state_files
from mai.render.engine import render

from tests import trees

RELEASES = Path(__file__).parent / "releases"


def catalog_of(root: Path, version: str) -> Catalog:
    """What a mai of that version offers, whose sources lie at `root`."""
    folders = sorted(path.parent for path in root.glob("plugins/*/*/component.toml"))
    components = {component.id: component for component in map(Component.load, folders)}
    provider = Provider("mai-framework", version)
    return Catalog(components, dict.fromkeys(components, provider), core=Core(root, version))


def frozen(version: str) -> Catalog:
    """A release of the past."""
    return catalog_of(RELEASES / version, version)


def newer(folder: Path, version: str, *changes: Callable[[Path], object]) -> Catalog:
    """A release to come: a copy of this checkout's template and components, changed."""
    for name in ("template", "plugins"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(core_root() / name, folder / name, ignore=ignored)
    shutil.copy(core_root() / "copier.yml", folder)
    for change in changes:
        change(folder)
    return catalog_of(folder, version)


def make_project(
    root: Path,
    catalog: Catalog,
    preset_name: str = "minimal",
    added: Iterable[str] = (),
    **answers: Any,
) -> Path:
    """A project as the `mai new` of that release makes it, without lock and repository."""
    manifest = trees.manifest(root.name, preset_name, added, catalog, **answers)
    pristine = render(manifest, catalog)
    for path, file in {**pristine.tree, **state_files(manifest, pristine)}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(file.content)
        if file.executable:
            (root / path).chmod(0o755)
    return root
