"""Finds the installed plugins, and leaves out a bad one before it hurts anybody."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, TypeVar

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ..errors import (
    REPORT,
    Conflict,
    MaiError,
    NotInstalled,
    PluginFailed,
    Refused,
    UnknownName,
    UsageError,
)
from ..project.manifest import Manifest
from .check import Check
from .component import KINDS, Component, Contribution
from .core import Core, installed_core
from .host import Plugin, Provider, many, one
from .installed import OWN_DISTRIBUTION, Installed, Unreadable, installed
from .values import Plan, Problem, Project

T = TypeVar("T")


def how_to_have(distribution: str, version: str) -> str:
    """What to do where a project has something of a distribution that is not there, or older."""
    if distribution == OWN_DISTRIBUTION:
        return f"install {distribution} {version}: uv tool install '{distribution}>={version}'"
    return f"install its plugin: mai plugin install '{distribution}>={version}'"


@dataclass(frozen=True)
class PluginProblem:
    """What of a plugin was left out, and why, in one line."""

    distribution: str
    reason: str
    mend: str
    """What to type, or to do."""
    where: str = ""
    """`FILE:LINE` of the fault, where that is known."""

    @classmethod
    def of(cls, distribution: str, error: MaiError, reason: str = "") -> "PluginProblem":
        """What `error` comes to; `reason` says why in other words than its own."""
        reason = reason or (error.reason if isinstance(error, PluginFailed) else error.message)
        mend = error.hint if error.hint not in ("", REPORT) else _another_version(distribution)
        return cls(distribution, " ".join(reason.split()), mend, error.where)


def _may_offer(distribution: str, name: str) -> bool:
    """Whether a plugin is called as a component is: `mai-moon-phase` like `moon_phase`."""
    return bool(name) and f"-{name.replace('_', '-')}-" in f"-{canonicalize_name(distribution)}-"


def _another_version(distribution: str) -> str:
    if distribution == OWN_DISTRIBUTION:
        return "update mai, or report it"
    return f"mai plugin install --upgrade {distribution}; or mai plugin uninstall {distribution}"


@dataclass(frozen=True)
class Catalog:
    """The core, and every component that is installed, by id, with its provider.

    A plugin that fails while a command runs is left out from there on, as if it were not
    installed: what a project has of it is frozen.
    """

    components: dict[str, Component] = field(default_factory=dict)
    providers: dict[str, Provider] = field(default_factory=dict)
    problems: list[PluginProblem] = field(default_factory=list)
    core: Core = field(default_factory=installed_core)
    hooks: dict[str, Plugin] = field(default_factory=dict)
    """Plugin -> its hooks."""
    plugins: dict[str, str] = field(default_factory=dict)
    """Component id -> the plugin that offers it."""
    absent: dict[str, str] = field(default_factory=dict)
    """Component id -> how to have it, of those that are known and cannot be used."""
    installed: list[Installed] = field(default_factory=list)
    """Every plugin, mai's own first, those that are left out included."""

    def __getitem__(self, component_id: str) -> Component:
        """Raises `UnknownName`, or `NotInstalled` when it is known how to have it."""
        if component_id in self.components:
            return self.components[component_id]
        raise self.lacking(component_id)

    def lacking(self, component_id: str, hint: str = "") -> UsageError:
        """Why a component cannot be had, and how it can; `hint` says what else would do."""
        kind, _, name = component_id.partition("/")
        if component_id in self.absent:
            return NotInstalled(component_id, self.absent[component_id])
        if suspect := next((p for p in self.problems if _may_offer(p.distribution, name)), None):
            told = f"{suspect.distribution}, which may bring it, is left out: mai plugin doctor"
            return NotInstalled(component_id, told)
        if kind not in KINDS:
            return UnknownName("component", component_id, self.components)
        of_kind = [one.name for one in self.components.values() if one.kind == kind]
        known = f"known: {', '.join(sorted(of_kind)) or 'none'}; "
        plugin = "or a plugin brings it: mai plugin install NAME"
        return UnknownName(f"{kind} component", name, of_kind, f"{hint or known}{plugin}")

    @property
    def sources(self) -> Iterator[Path]:
        """The files and folders of which one changes when other components are offered."""
        for component in self.components.values():
            yield from component.sources
        for found in self.installed:
            yield from found.modules

    def offered_by(self, plugin: Installed) -> list[str]:
        """The ids of its components that can be had."""
        return sorted(i for i, one in self.providers.items() if one.distribution == plugin.name)

    def problems_of(self, plugin: Installed) -> list[PluginProblem]:
        """Why it, or a part of it, is left out."""
        return [one for one in self.problems if one.distribution == plugin.name]

    def installed_plugin(self, name: str) -> Installed:
        """The plugin of that name; raises `UnknownName`."""
        known = {one.normalised: one for one in self.installed}
        try:
            return known[canonicalize_name(name)]
        except KeyError:
            raise UnknownName("plugin", name, known) from None

    def leave_out(self, component_id: str, problem: PluginProblem) -> None:
        """Goes on as if the component were not installed, and tells why."""
        self.components.pop(component_id, None)
        self.absent[component_id] = problem.mend
        if problem not in self.problems:
            self.problems.append(problem)

    def leave_out_plugin(self, failed: PluginFailed) -> None:
        """Goes on as if the plugin were not installed, and tells why."""
        plugin = self.hooks.pop(failed.plugin)
        problem = PluginProblem.of(plugin.provider.distribution, failed)
        self.problems.append(problem)
        for component_id, name in self.plugins.items():
            if name == plugin.name:
                self.leave_out(component_id, problem)

    def contributed(self, component_id: str, project: Project) -> Contribution | None:
        """What its plugin adds to what a component adds; raises `PluginFailed`."""
        plugin = self.hooks.get(self.plugins.get(component_id, ""))
        if plugin is None:
            return None
        taken = one(Contribution)
        return plugin.ask("mai_contribute", taken, component=component_id, project=project)

    def migrate_answers(
        self, component_id: str, from_version: str, answers: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Answers that were given to an older version, as the installed one asks for them.

        The plugin that offers the component is asked; for `core`, mai's own plugins are.
        Raises `PluginFailed` when it fails.
        """
        own = [name for name in self.hooks if name.startswith(f"{OWN_DISTRIBUTION}:")]
        asked = own if component_id == "core" else [self.plugins[component_id]]
        for name in asked:
            migrated = self.hooks[name].ask(
                "mai_migrate_answers",
                one(dict),
                component=component_id,
                from_version=from_version,
                answers=answers,
            )
            if migrated is not None:
                answers = migrated
        return answers

    def validated(self, manifest: Manifest) -> list[tuple[str, Problem]]:
        """What plugins find wrong with `manifest`, each with the distribution that says so."""
        return self._ask_all("mai_validate", Problem, manifest=manifest)

    def plan_created(self, plan: Plan) -> None:
        """Tells every plugin what a command comes to."""
        self._ask_all("mai_plan_created", object, plan=plan)

    def applied(self, plan: Plan, project: Project) -> None:
        """Tells every plugin what was done."""
        self._ask_all("mai_applied", object, plan=plan, project=project)

    def checked(self, project: Project) -> list[tuple[str, Check]]:
        """What plugins look at in a project, each with the distribution that looks."""
        return self._ask_all("mai_doctor", Check, project=project)

    def _ask_all(self, hook: str, expected: type[T], **given: Any) -> list[tuple[str, T]]:
        answers: list[tuple[str, T]] = []
        for plugin in list(self.hooks.values()):
            try:
                found = plugin.ask(hook, many(expected), **given)
            except PluginFailed as failed:
                self.leave_out_plugin(failed)
            else:
                answers += [(plugin.provider.distribution, one) for one in found]
        return answers


def load_catalog() -> Catalog:
    """Loads every entry point of `mai.plugins`, one by one.

    A plugin that cannot be imported, whose hooks mai does not know, or whose components are
    broken or clash with another's is left out and told in `problems`.
    """
    catalog = Catalog()
    for found in installed():
        if isinstance(found, Unreadable):
            mend = "install it again, or remove it from there"
            catalog.problems.append(PluginProblem(found.place, found.reason, mend))
            continue
        catalog.installed.append(found)
        for point in found.points:
            _add(point, Provider(found.name, found.version), catalog)
    return catalog


def _add(point: EntryPoint, provider: Provider, catalog: Catalog) -> None:
    try:
        plugin, components = _load(point, provider)
        _refuse_clashes(components, catalog)
    except MaiError as error:
        catalog.problems.append(PluginProblem.of(provider.distribution, error))
        return
    catalog.hooks[plugin.name] = plugin
    for component in components:
        catalog.components[component.id] = component
        catalog.providers[component.id] = provider
        catalog.plugins[component.id] = plugin.name


def _load(point: EntryPoint, provider: Provider) -> tuple[Plugin, list[Component]]:
    _refuse_version(provider)
    plugin = Plugin.load(point, provider)
    return plugin, plugin.ask("mai_components", _whole)


def _whole(answer: Any) -> list[Component]:
    """Components whose questions can be read, too."""
    components = many(Component)(answer)
    for component in components:
        _ = component.questions
    return components


def _refuse_version(provider: Provider) -> None:
    try:
        Version(provider.version)
    except InvalidVersion as error:
        raise Refused(f"its version {provider.version!r} is not of PEP 440", REPORT) from error


def _refuse_clashes(found: Iterable[Component], catalog: Catalog) -> None:
    for component in found:
        if other := catalog.providers.get(component.id):
            raise Conflict(
                f"{component.id} is also offered by {other.distribution}",
                f"keep one: mai plugin uninstall {other.distribution}",
            )
