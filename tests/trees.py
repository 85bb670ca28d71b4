"""Rendered projects for tests, without a command line in between."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from mai import names
from mai.plan.answers import complete
from mai.plan.instances import wanted_instance
from mai.plan.presets import Preset, preset
from mai.plan.wishes import fold
from mai.plugins.loader import Catalog, load_catalog
from mai.project.manifest import Manifest
from mai.project.tree import Tree
from mai.render.engine import render


@cache
def catalog() -> Catalog:
    """The first-party components; fails when one of them is broken."""
    found = load_catalog()
    assert found.problems == []
    return found


def manifest(
    name: str = "shop",
    preset_name: str = "standard",
    added: Iterable[str] = (),
    offered: Catalog | None = None,
    **answers: Any,
) -> Manifest:
    """A manifest as `mai new` decides on it; `offered` by default by this checkout."""
    offered = offered or catalog()
    forms = names.project(name)
    named = {
        "project_name": forms.slug,
        "project_title": forms.title,
        "package_name": forms.module,
    }
    wishes = fold(preset_of(offered, preset_name), answers, added, [])
    project = complete(offered.core.questions, {**named, **wishes.project}, {})
    instances = [
        wanted_instance(offered, kind, own, table, project)
        for (kind, own), table in wishes.instances.items()
    ]
    return Manifest(project).with_instances(instances)


def preset_of(offered: Catalog, name: str) -> Preset:
    """A preset as it was in the release that offers these: without what came later."""
    now = preset(name)
    wanted = {
        kind: {own: table for own, table in named.items() if table["from"] in offered.components}
        for kind, named in now.wanted.items()
    }
    return now if offered is catalog() else replace(now, wanted=wanted)


def write(made: Manifest, folder: Path) -> Path:
    """Renders `made` into `folder`."""
    return write_tree(render(made, catalog()).tree, folder)


def write_tree(tree: Tree, folder: Path) -> Path:
    for path, file in tree.items():
        destination = folder / path
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes(file.content)
    return folder
