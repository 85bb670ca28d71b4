"""From a manifest to the pristine tree: the one importer of Copier.

The core and each instance are a layer: their sources are copied into a scratch folder without
a git root (from a git root Copier renders the newest tag, not the working tree), rendered by
Copier there with complete answers, and read back. Nothing of a component runs.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import copier
import plumbum
import yaml
from copier.errors import CopierError
from jinja2 import TemplateError

from ..errors import RenderFailed
from ..plan.change import instance_context
from ..plan.contributions import shared_context
from ..plugins.core import core_root
from ..plugins.loader import Catalog
from ..project.manifest import Manifest
from ..project.tree import File, read_tree

EXCLUDED = ("__pycache__", "*.pyc", ".DS_Store")
# What plain `copier copy` records instead of `.mai/manifest.toml`.
_ANSWERS_FILE = "*_copier_conf.answers_file*"

_COPIER_SETTINGS = {
    "_subdirectory": "template",
    "_templates_suffix": ".jinja",
    "_exclude": list(EXCLUDED),
    "_envops": {"keep_trailing_newline": True, "undefined": "jinja2.StrictUndefined"},
    "_jinja_extensions": ["mai.render.compile_cache.CompileCache"],
}


@dataclass(frozen=True)
class Rendered:
    """The pristine tree of a manifest, and who owns each file: `core` or an instance's key."""

    tree: Mapping[str, File]
    owners: Mapping[str, str]


@dataclass(frozen=True)
class _Layer:
    owner: str
    template: Path
    context: Mapping[str, Any]


def render(manifest: Manifest, catalog: Catalog) -> Rendered:
    """The tree of `manifest`, always the same for the same manifest and versions.

    Raises `RenderFailed` when a template is broken or two owners write one file.
    """
    tree: dict[str, File] = {}
    owners: dict[str, str] = {}
    for layer in _layers(manifest, catalog):
        for path, file in _render_layer(layer).items():
            if path in owners:
                raise RenderFailed(layer.owner, f"{path} belongs to {owners[path]}")
            tree[path] = file
            owners[path] = layer.owner
    return Rendered(tree, owners)


def _layers(manifest: Manifest, catalog: Catalog) -> Iterator[_Layer]:
    chosen = [(instance, catalog[instance.component]) for instance in manifest.instances]
    core = {**manifest.project, **shared_context(chosen)}
    yield _Layer("core", core_root() / "template", core)
    for instance, component in chosen:
        own = instance_context(instance.forms)
        yield _Layer(instance.key, component.template, {**core, **own, **instance.answers})


def _render_layer(layer: _Layer) -> dict[str, File]:
    with _scratch() as scratch:
        source, destination = scratch / "source", scratch / "destination"
        shutil.copytree(
            layer.template,
            source / "template",
            ignore=shutil.ignore_patterns(*EXCLUDED, _ANSWERS_FILE),
        )
        (source / "copier.yml").write_text(yaml.safe_dump(_COPIER_SETTINGS), encoding="utf-8")
        try:
            _copy(source, destination, layer.context)
        except (CopierError, TemplateError, ValueError) as error:
            raise RenderFailed(layer.owner, str(error)) from error
        return read_tree(destination)


def _copy(source: Path, destination: Path, context: Mapping[str, Any]) -> None:
    # Copier starts a git process for each file that it writes: in a scratch folder there is
    # nothing for git to say, so Copier is not shown any.
    with plumbum.local.env(PATH=os.devnull):
        copier.run_copy(
            str(source),
            destination,
            data=dict(context),
            defaults=True,
            overwrite=True,
            quiet=True,
            # The one extension is our own; a component's `copier.yml` never gets here.
            unsafe=True,
            settings=copier.Settings(),
        )


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mai-") as folder:
        yield Path(folder).resolve()
