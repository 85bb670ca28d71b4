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
from fnmatch import fnmatchcase
from pathlib import Path
from traceback import walk_tb
from typing import Any

import copier
import plumbum
import yaml
from copier.errors import CopierError
from jinja2 import TemplateSyntaxError

from ..errors import MaiError, PluginFailed, RenderFailed
from ..plan.answers import FAULTS, with_computed
from ..plan.contributions import Contributed, contributed, shared_context
from ..plan.instances import instance_context
from ..plugins import loader
from ..plugins.component import Component, FilePolicies, Kind
from ..plugins.loader import Catalog, PluginProblem
from ..plugins.values import Project
from ..project.lock import Lock, LockedFile, LockedInstance, Policy
from ..project.manifest import Instance, Manifest
from ..project.pristine import Pristine
from ..project.tree import File, read_tree

EXCLUDED = ("__pycache__", "*.pyc", ".DS_Store")
# What plain `copier copy` records instead of `.mai/manifest.toml`.
_ANSWERS_FILE = "*_copier_conf.answers_file*"

_NOT_A_COMPONENTS = {".git", ".mai"}

_COPIER_SETTINGS = {
    "_subdirectory": "template",
    "_templates_suffix": ".jinja",
    "_exclude": list(EXCLUDED),
    "_envops": {"keep_trailing_newline": True, "undefined": "jinja2.StrictUndefined"},
    "_jinja_extensions": ["mai.render.compile_cache.CompileCache"],
}

_SCAFFOLD = Path(loader.__file__).with_name("scaffold")
# What a new plugin renders later is written as it is: only `[[ name ]]` is filled in, in names of
# files, and in files that end in `.in`.
_SCAFFOLD_SETTINGS = {
    **_COPIER_SETTINGS,
    "_templates_suffix": ".in",
    "_envops": {
        "keep_trailing_newline": True,
        "undefined": "jinja2.StrictUndefined",
        "variable_start_string": "[[",
        "variable_end_string": "]]",
    },
    "_jinja_extensions": [],
}


@dataclass(frozen=True)
class _Layer:
    """The files of one owner with their policies, rendered or taken from the base."""

    owner: str
    tree: Mapping[str, File]
    policies: Mapping[str, Policy]


class _Broken(Exception):
    """An instance that cannot be rendered, though its component is installed."""

    def __init__(self, instance: Instance, reason: MaiError) -> None:
        self.instance = instance
        self.reason = reason


def render(manifest: Manifest, catalog: Catalog, base: Pristine | None = None) -> Pristine:
    """The pristine tree of `manifest`, always the same for the same manifest and versions.

    An instance whose plugin is not installed is frozen: its files and its contribution are those
    of `base`. So is one that cannot be rendered, as long as nothing else is wanted of it. Raises
    `RenderFailed` when a template is broken or two owners write one file, `PluginFailed` when a
    plugin is, `UnknownName` for a component that is neither installed nor in `base`.
    """
    while True:
        try:
            return _rendered_once(manifest, catalog, base)
        except _Broken as broken:
            instance = broken.instance
            if base is None or base.manifest.get(instance.key) != instance:
                raise broken.reason from None
            _leave_out(catalog, instance, broken.reason)


def _leave_out(catalog: Catalog, instance: Instance, reason: MaiError) -> None:
    if isinstance(reason, PluginFailed):
        catalog.leave_out_plugin(reason)
        return
    told = f"{reason.message}; the files of {instance.key} stay as they are"
    distribution = catalog.providers[instance.component].distribution
    catalog.leave_out(instance.component, PluginProblem.of(distribution, reason, told))


def _rendered_once(manifest: Manifest, catalog: Catalog, base: Pristine | None) -> Pristine:
    locked = {i.key: _locked(i, manifest, catalog, base) for i in manifest.instances}
    tree: dict[str, File] = {}
    files: dict[str, LockedFile] = {}
    for layer in _layers(manifest, locked, catalog, base):
        for path, file in layer.tree.items():
            if path in files:
                reason = RenderFailed(layer.owner, f"{path} belongs to {files[path].owner}")
                raise _broken(layer.owner, manifest, catalog, reason)
            tree[path] = file
            files[path] = LockedFile(layer.owner, file.blob_sha, layer.policies[path])
    return Pristine(Lock(catalog.core.version, manifest.project, locked, files), tree)


def render_plugin(kind: Kind, known: Mapping[str, str]) -> dict[str, File]:
    """The files of a new plugin with one component; `known` fills in its names."""
    layers = {"plugin": "", kind: f"src/{known['package']}/{known['module']}/"}
    return {
        f"{folder}{path}": file
        for layer, folder in layers.items()
        for path, file in _rendered(
            "a new plugin", _SCAFFOLD / layer, known, _SCAFFOLD_SETTINGS
        ).items()
    }


def _broken(owner: str, manifest: Manifest, catalog: Catalog, reason: MaiError) -> Exception:
    """What to raise for an owner that cannot be rendered: one that is frozen has no way out."""
    instance = manifest.get(owner)
    if instance and instance.component in catalog.components:
        return _Broken(instance, reason)
    return reason


def _locked(
    instance: Instance, manifest: Manifest, catalog: Catalog, base: Pristine | None
) -> LockedInstance:
    frozen = base.lock.instances.get(instance.key) if base else None
    if frozen and instance.component not in catalog.components:
        return frozen
    component = catalog[instance.component]
    provider = catalog.providers[component.id]
    try:
        more = catalog.contributed(component.id, Project(manifest))
    except PluginFailed as failed:
        raise _Broken(instance, failed) from failed
    contribution = contributed(component, more).model_dump(mode="json", exclude_defaults=True)
    return LockedInstance(
        component.id, provider.distribution, provider.version, instance.answers, contribution
    )


def _layers(
    manifest: Manifest,
    locked: Mapping[str, LockedInstance],
    catalog: Catalog,
    base: Pristine | None,
) -> Iterator[_Layer]:
    shared = shared_context(
        (i, Contributed.model_validate(locked[i.key].contribution)) for i in manifest.instances
    )
    core = with_computed(catalog.core.questions, {**manifest.project, **shared})
    tree = _rendered("core", catalog.core.template, core)
    yield _Layer("core", tree, dict.fromkeys(tree, "managed"))
    for instance in manifest.instances:
        component = catalog.components.get(instance.component)
        if component is None:
            yield _frozen(instance.key, base)
            continue
        try:
            yield _layer(instance, component, core)
        except MaiError as failed:
            raise _Broken(instance, failed) from failed


def _layer(instance: Instance, component: Component, core: Mapping[str, Any]) -> _Layer:
    own = {**core, **instance_context(instance.forms), **instance.answers}
    own = with_computed(component.questions, own)
    tree = _rendered(instance.key, component.template, own)
    if intruding := [path for path in tree if path.split("/")[0].lower() in _NOT_A_COMPONENTS]:
        raise RenderFailed(instance.key, f"{intruding[0]} is no place for a component's file")
    return _Layer(instance.key, tree, {path: _policy(path, component.files) for path in tree})


def _frozen(key: str, base: Pristine | None) -> _Layer:
    assert base is not None  # noqa: S101 - `_locked` has found the instance in it
    tree = base.owned_by(key)
    return _Layer(key, tree, {path: base.lock.files[path].policy for path in tree})


def _policy(path: str, files: FilePolicies) -> Policy:
    if any(fnmatchcase(path, glob) for glob in files.keep):
        return "keep"
    return "once" if any(fnmatchcase(path, glob) for glob in files.once) else "managed"


def _rendered(
    owner: str,
    template: Path,
    context: Mapping[str, Any],
    settings: Mapping[str, Any] = _COPIER_SETTINGS,
) -> dict[str, File]:
    with _scratch() as scratch:
        source, destination = scratch / "source", scratch / "destination"
        shutil.copytree(
            template,
            source / "template",
            ignore=shutil.ignore_patterns(*EXCLUDED, _ANSWERS_FILE),
            symlinks=True,  # Copier refuses one that leaves the template
        )
        (source / "copier.yml").write_text(yaml.safe_dump(dict(settings)), encoding="utf-8")
        try:
            _copy(source, destination, context)
        except (CopierError, *FAULTS) as error:
            where = _where(error, source / "template", template)
            raise RenderFailed(owner, str(error), where) from error
        return read_tree(destination)


def _where(error: Exception, copied: Path, template: Path) -> str:
    """The file and the line of `template` at which rendering its copy ended, where that is told."""
    places = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    if isinstance(error, TemplateSyntaxError) and error.filename:
        places.append((error.filename, error.lineno))
    found = [(Path(name), line) for name, line in places if Path(name).is_relative_to(copied)]
    if not found:
        return ""
    path, line = found[-1]
    return f"{template / path.relative_to(copied)}:{line}"


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
