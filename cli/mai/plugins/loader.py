"""Finds the installed plugins, and keeps a bad one from hurting anybody."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points

import pluggy

from ..errors import UnknownName
from . import hookspecs
from .component import Component

GROUP = "mai.plugins"


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
    """Every component that is installed, by id, with its provider."""

    components: Mapping[str, Component]
    providers: Mapping[str, Provider]
    problems: tuple[PluginProblem, ...] = field(default=())

    def __getitem__(self, component_id: str) -> Component:
        try:
            return self.components[component_id]
        except KeyError:
            raise UnknownName("component", component_id, self.components) from None


def load_catalog(points: Iterable[EntryPoint] | None = None) -> Catalog:
    """Loads every entry point of `mai.plugins`, one by one.

    A plugin that cannot be imported, whose hooks mai does not know, or whose components are
    broken or clash with another's is left out and told in `problems`.
    """
    components: dict[str, Component] = {}
    providers: dict[str, Provider] = {}
    problems: list[PluginProblem] = []
    for point in sorted(points or entry_points(group=GROUP), key=_order):
        provider = _provider(point)
        try:
            found = _load(point)
            _refuse_clashes(found, providers)
        # A border: whatever a plugin raises, SystemExit too, must not end mai.
        except (Exception, SystemExit) as error:  # noqa: BLE001
            reason = f"{point.name} ({point.value}): {type(error).__name__}: {error}"
            problems.append(PluginProblem(provider.distribution, reason))
            continue
        components |= {component.id: component for component in found}
        providers |= {component.id: provider for component in found}
    return Catalog(components, providers, tuple(problems))


def _load(point: EntryPoint) -> list[Component]:
    """The components of one plugin, in a manager of its own: a failure stays its own."""
    manager = pluggy.PluginManager("mai")
    manager.add_hookspecs(hookspecs)
    manager.register(point.load(), name=point.name)
    manager.check_pending()
    return [component for answer in manager.hook.mai_components() for component in answer]


def _refuse_clashes(found: Iterable[Component], providers: Mapping[str, Provider]) -> None:
    for component in found:
        if other := providers.get(component.id):
            raise ValueError(f"{component.id} is also offered by {other.distribution}")


def _provider(point: EntryPoint) -> Provider:
    if point.dist is None:
        return Provider(point.value, "0")
    return Provider(point.dist.name, point.dist.version)


def _order(point: EntryPoint) -> tuple[bool, str, str]:
    """mai's own come first, so that nobody can take the id of a first-party component."""
    distribution = _provider(point).distribution
    return (distribution != "mai-framework", distribution, point.name)
