"""One instance as the user wants it, and whether all of them go together."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..errors import Conflict, InvalidName, Refused, UnknownName
from ..names import Name, parse
from ..plugins.component import KINDS, Component
from ..plugins.loader import Catalog
from ..project.manifest import Instance, Manifest
from . import answers as _answers
from .answers import Ask

RESERVED: dict[str, frozenset[str]] = {
    "agent": frozenset(
        {
            "chat", "commands", "definition", "delegation", "registry", "room", "routes", "run",
            "runs", "session", "sessions", "settings", "stop", "stream",
        }
    ),
    "tool": frozenset(
        {
            "calls", "commands", "decorators", "definition", "guard", "models", "room", "routes",
            "switches",
        }
    ),
}  # fmt: skip
"""Modules and routes of the core beside which an instance lies: they are no names for one."""


def wanted_instance(
    catalog: Catalog,
    kind: str,
    name: str,
    stated: Mapping[str, Any],
    context: Mapping[str, Any],
    ask: Ask | None = None,
) -> Instance:
    """The instance `[kind.name]` with complete answers.

    `stated` is its table: `from`, which defaults to the component of the same name, and answers.
    Raises `UnknownName`, `InvalidName`, `InvalidAnswer`, `Conflict`.
    """
    if kind not in KINDS:
        raise UnknownName("kind", kind, KINDS)
    forms = parse(name)
    component = catalog[str(stated.get("from", f"{kind}/{forms.module}"))]
    _refuse_misnamed(component, kind, name)
    if forms.module in RESERVED.get(kind, ()):
        raise InvalidName(
            f"no {kind} can be named {name!r}: the project has a module or a route of that name",
            f"try '{forms.slug}-{kind}'",
        )
    given = {key: value for key, value in stated.items() if key != "from"}
    return Instance(
        kind=kind,
        name=forms.slug,
        component=component.id,
        answers=_answers.complete(
            component.questions, given, {**context, **instance_context(forms)}, ask
        ),
    )


def refuse_id(name: str) -> None:
    """Raises `InvalidName` for `tool/moon`, and for `tool:moon`, where `moon` is a name."""
    kind, separator, own = name.replace(":", "/").partition("/")
    if separator and kind in KINDS:
        raise InvalidName(f"{name!r} is a component, expected a name alone", f"type {kind} {own}")


def check_together(instances: Iterable[Instance], catalog: Catalog) -> None:
    """Raises `Conflict` when two components exclude each other, one that is required is absent,
    or there are two active memories; the message names both sides. What a component asks for
    whose plugin is not installed is not known."""
    instances = tuple(instances)
    present = {instance.component: instance for instance in instances}
    for instance, component in _known(instances, catalog):
        for excluded in component.conflicts:
            if excluded in present:
                raise Conflict(
                    f"{component.id} and {excluded} exclude each other",
                    f"leave out {instance.key!r} or {present[excluded].key!r}",
                )
    for instance, required in unmet(instances, catalog):
        raise Conflict(f"{instance.component} needs {required}", _how_to_meet(required, catalog))
    memories = [instance for instance in instances if instance.kind == "memory"]
    if len(memories) > 1:
        names = " and ".join(repr(instance.key) for instance in memories)
        raise Conflict(f"{names}: a project has one memory backend", "leave out one of them")


def unmet(instances: Iterable[Instance], catalog: Catalog) -> Iterator[tuple[Instance, str]]:
    """Each instance with a component that it requires, and that neither is there nor is provided by
    one that is."""
    instances = tuple(instances)
    known = [*_known(instances, catalog)]
    enough = {instance.component for instance in instances}
    enough |= {id_ for _, component in known for id_ in component.provides}
    for instance, component in known:
        yield from ((instance, one) for one in component.requires if one not in enough)


def _known(instances: Iterable[Instance], catalog: Catalog) -> Iterator[tuple[Instance, Component]]:
    for instance in instances:
        if component := catalog.components.get(instance.component):
            yield instance, component


def _how_to_meet(required: str, catalog: Catalog) -> str:
    others = [one.id for one in catalog.components.values() if required in one.provides]
    first, *rest = [id_.replace("/", " ").replace("_", "-") for id_ in (required, *others)]
    instead = f"; enough in its place: {', '.join(rest)}" if rest else ""
    return f"first: mai add {first} (of mai new: --with {first.replace(' ', ':')}){instead}"


def needed_by(component: Component, catalog: Catalog) -> list[str]:
    """What has to be in a project with `component`, in the order in which it can be added: what it
    requires or, where that is not installed, what is enough in its place.

    Raises `UnknownName` when neither is installed.
    """
    seen = {component.id}
    found: list[str] = []

    def visit(one: Component) -> None:
        for required in one.requires:
            other = catalog[_installed_for(required, catalog)]
            if other.id not in seen:
                seen.add(other.id)
                visit(other)
                found.append(other.id)

    visit(component)
    return found


def _installed_for(required: str, catalog: Catalog) -> str:
    if required in catalog.components:
        return required
    return next(
        (one.id for one in catalog.components.values() if required in one.provides), required
    )


def check_with_plugins(before: Manifest | None, after: Manifest, catalog: Catalog) -> None:
    """Raises `Refused` when a plugin finds something wrong with `after` that was right before."""
    known = set(catalog.validated(before)) if before else set()
    for distribution, problem in catalog.validated(after):
        if (distribution, problem) not in known:
            raise Refused(f"{problem.message} (says {distribution})", problem.hint)


def instance_context(forms: Name) -> dict[str, str]:
    """The variables by which questions and templates of a component know their instance."""
    return {
        "name": forms.slug,
        "module": forms.module,
        "class_name": forms.class_name,
        "title": forms.title,
    }


def _refuse_misnamed(component: Component, kind: str, name: str) -> None:
    if component.kind != kind:
        raise Conflict(
            f"{component.id} is of kind {component.kind!r}, not {kind!r}",
            f"ask for the {component.kind}: {component.kind} {name}",
        )
    if not component.multi and parse(name).module != component.name:
        raise InvalidName(
            f"{component.id} exists once in a project, under its own name, not as {name!r}",
            f"use {component.name.replace('_', '-')!r}",
        )
