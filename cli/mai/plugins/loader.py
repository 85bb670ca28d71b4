"""Finds the installed plugins, and keeps a bad one from hurting anybody."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from .. import __version__
from ..errors import PluginFailed, UnknownName
from . import hookspecs
from .component import Component
from .core import Core, installed_core

GROUP = "mai.plugins"
OWN_DISTRIBUTION = "mai-framework"


@dataclass(frozen=True)
class Provider:
    """The distribution that a component comes from."""

    distribution: str
    version: str


@dataclass(frozen=True)
class PluginProblem:
    """A plugin that was skipped, and why, in one line."""

    distribution: str
    reason: str


@dataclass(frozen=True)
class Catalog:
    """The core, and every component that is installed, by id, with its provider."""

    components: Mapping[str, Component]
    providers: Mapping[str, Provider]
    problems: tuple[PluginProblem, ...] = field(default=())
    core: Core = field(default_factory=installed_core)
    hooks: Mapping[str, pluggy.HookRelay] = field(default_factory=dict)
    """Plugin -> its hooks."""
    plugins: Mapping[str, str] = field(default_factory=dict)
    """Component id -> the plugin that offers it."""

    def __getitem__(self, component_id: str) -> Component:
        try:
            return self.components[component_id]
        except KeyError:
            raise UnknownName("component", component_id, self.components) from None

    def migrate_answers(
        self, component_id: str, from_version: str, answers: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Answers that were given to an older version, as the installed one asks for them.

        The plugin that offers the component is asked; for `core`, mai's own plugins are.
        Raises `PluginFailed` when it fails.
        """
        own = [name for name in self.hooks if name.startswith(f"{OWN_DISTRIBUTION}:")]
        for point in own if component_id == "core" else [self.plugins[component_id]]:
            asked = {"component": component_id, "from_version": from_version, "answers": answers}
            try:
                migrated = self.hooks[point].mai_migrate_answers(**asked)
            # A border: whatever a plugin raises, SystemExit too, must not end mai.
            except (Exception, SystemExit) as error:
                raise PluginFailed(point, "mai_migrate_answers", error) from error
            if migrated is not None:
                answers = dict(migrated)
        return answers


def load_catalog(points: Iterable[EntryPoint] | None = None) -> Catalog:
    """Loads every entry point of `mai.plugins`, one by one.

    A plugin that cannot be imported, whose hooks mai does not know, or whose components are
    broken or clash with another's is left out and told in `problems`.
    """
    components: dict[str, Component] = {}
    providers: dict[str, Provider] = {}
    problems: list[PluginProblem] = []
    hooks: dict[str, pluggy.HookRelay] = {}
    plugins: dict[str, str] = {}
    for point in sorted(points or entry_points(group=GROUP), key=_order):
        provider = _provider(point)
        try:
            relay, found = _load(point)
            _refuse_clashes(found, providers)
        # A border: whatever a plugin raises, SystemExit too, must not end mai.
        except (Exception, SystemExit) as error:  # noqa: BLE001
            reason = f"{point.name} ({point.value}): {type(error).__name__}: {error}"
            problems.append(PluginProblem(provider.distribution, reason))
            continue
        name = f"{provider.distribution}:{point.name}"
        hooks[name] = relay
        for component in found:
            components[component.id] = component
            providers[component.id] = provider
            plugins[component.id] = name
    return Catalog(components, providers, tuple(problems), hooks=hooks, plugins=plugins)


def _load(point: EntryPoint) -> tuple[pluggy.HookRelay, list[Component]]:
    """A plugin's hooks and components, in a manager of its own: a failure stays its own."""
    manager = pluggy.PluginManager("mai")
    manager.add_hookspecs(hookspecs)
    manager.register(point.load(), name=point.name)
    manager.check_pending()
    found = [component for answer in manager.hook.mai_components() for component in answer]
    return manager.hook, found


def _refuse_clashes(found: Iterable[Component], providers: Mapping[str, Provider]) -> None:
    for component in found:
        if other := providers.get(component.id):
            raise ValueError(f"{component.id} is also offered by {other.distribution}")


def _provider(point: EntryPoint) -> Provider:
    if point.dist is None:
        return Provider(point.value, "0")
    if point.dist.name == OWN_DISTRIBUTION:
        return Provider(OWN_DISTRIBUTION, __version__)
    return Provider(point.dist.name, point.dist.version)


def _order(point: EntryPoint) -> tuple[bool, str, str]:
    """mai's own come first, so that nobody can take the id of a first-party component."""
    distribution = _provider(point).distribution
    return (distribution != OWN_DISTRIBUTION, distribution, point.name)
