"""What `add`, `remove`, `set` and `update` make of a manifest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from .. import names
from ..errors import (
    Conflict,
    InvalidAnswer,
    NotInstalled,
    PluginFailed,
    Refused,
    RenderFailed,
    UnknownName,
)
from ..names import parse
from ..plugins.component import KINDS
from ..plugins.loader import Catalog
from ..plugins.questions import Question
from ..project.lock import Lock
from ..project.manifest import Instance, Manifest
from . import answers as _answers
from .answers import Ask
from .instances import check_together, instance_context, refuse_id, unmet, wanted_instance
from .wishes import CORE, Stated

BASIC = "basic"
"""The component of a kind from which one starts something of one's own."""


def added(
    manifest: Manifest,
    catalog: Catalog,
    kind: str,
    name: str,
    stated: Mapping[str, Any],
    ask: Ask | None = None,
) -> Manifest:
    """`manifest` with the instance `[kind.name]`; `stated` is its table.

    Without `from` it is the component of that name, or the kind's basic one under that name. An
    instance that is there already, from the same component and with the same answers, stays.
    Raises `UnknownName`, `InvalidName`, `InvalidAnswer`, `Refused`, `Conflict`.
    """
    if kind not in KINDS:
        raise UnknownName("kind", kind, KINDS)
    refuse_id(name)
    component = stated.get("from") or _component_for(catalog, kind, name)
    component = component if "/" in component else f"{kind}/{component}"
    if there := manifest.get(f"{kind}.{parse(name).slug}"):
        _refuse_other(there, component, stated)
        return manifest
    wanted = wanted_instance(
        catalog, kind, name, {**stated, "from": component}, manifest.project, ask
    )
    grown = manifest.with_instances([wanted])
    check_together(grown.instances, catalog)
    return grown


def _component_for(catalog: Catalog, kind: str, name: str) -> str:
    own, basic = f"{kind}/{parse(name).module}", f"{kind}/{BASIC}"
    if own in catalog.components:
        return own
    of_kind = [c.name for c in catalog.components.values() if c.kind == kind]
    is_misspelt = get_close_matches(parse(name).module, of_kind, n=1, cutoff=0.8)
    hint = f"for one of your own: --from {BASIC}, " if basic in catalog.components else ""
    lacking = catalog.lacking(own, hint)
    if hint and not is_misspelt and not isinstance(lacking, NotInstalled):
        return basic
    raise lacking


def _refuse_other(there: Instance, component: str, stated: Mapping[str, Any]) -> None:
    if there.component != component:
        raise Refused(
            f"{there.kind} {there.name} is there already, from {there.component}",
            "choose another name",
        )
    for key, value in stated.items():
        if key != "from" and str(there.answers.get(key)) != str(value):
            raise Refused(
                f"{there.kind} {there.name} is there already, with {key} = "
                f"{there.answers.get(key)!r}",
                f"mai set {there.key}.{key}={value}",
            )


def removed(manifest: Manifest, catalog: Catalog, kind: str, name: str) -> Manifest:
    """`manifest` without the instance.

    Raises `UnknownName` when there is none, `Conflict` when another one needs it.
    """
    refuse_id(name)
    key = f"{kind}.{parse(name).slug}"
    gone = manifest.get(key)
    if gone is None:
        raise UnknownName("instance", key, [instance.key for instance in manifest.instances])
    left = manifest.without(key)
    for instance, required in unmet(left.instances, catalog):
        raise Conflict(
            f"{instance.component} needs {required}",
            f"first: mai remove {instance.kind} {instance.name}",
        )
    return left


def answered(manifest: Manifest, catalog: Catalog, stated: Stated) -> Manifest:
    """`manifest` with other answers.

    An answer that followed from another one, such as the package's name from the project's,
    still does. Raises `UnknownName`, `InvalidAnswer`.
    """
    _refuse_unknown_owners(manifest, stated)
    core = catalog.core.questions
    project = _changed(core, manifest.project, stated.get(CORE, {}), {})
    for name in ("project_name", "package_name"):
        if project.get(name) != manifest.project.get(name):
            names.project(str(project[name]))
    return Manifest(project).with_instances(
        _with_answers(instance, stated.get(instance.key, {}), project, catalog)
        for instance in manifest.instances
    )


def _refuse_unknown_owners(manifest: Manifest, stated: Stated) -> None:
    known = [instance.key for instance in manifest.instances]
    for owner in stated:
        if owner not in {CORE, *known}:
            raise UnknownName("instance", owner, known)


def _with_answers(
    instance: Instance, changes: Mapping[str, Any], project: Mapping[str, Any], catalog: Catalog
) -> Instance:
    if not changes and instance.component not in catalog.components:
        return instance
    component = catalog[instance.component]
    context = {**project, **instance_context(instance.forms)}
    try:
        answers = _changed(component.questions, instance.answers, changes, context)
    except RenderFailed:
        if changes:
            raise
        return instance
    return Instance(instance.kind, instance.name, instance.component, answers)


def _changed(
    questions: tuple[Question, ...],
    old: Mapping[str, Any],
    changes: Mapping[str, Any],
    context: Mapping[str, Any],
) -> dict[str, Any]:
    known = _answers.with_computed(questions, {**context, **old})
    kept = {
        question.name: old[question.name]
        for question in questions
        if question.name in old and not _follows(question, old[question.name], known)
    }
    return _answers.complete(questions, {**kept, **changes}, context)


def _follows(question: Question, answer: Any, known: Mapping[str, Any]) -> bool:
    """Whether an answer is what its question computes from the others."""
    computed = isinstance(question.default, str) and "{" in question.default
    return computed and _answers.default_of(question, known) == answer


@dataclass(frozen=True)
class Migrated:
    manifest: Manifest
    dropped: tuple[str, ...]
    """Answers that the installed versions ask for no more, a line each."""


def migrated(
    manifest: Manifest, lock: Lock, catalog: Catalog, stated: Stated, ask: Ask | None = None
) -> Migrated:
    """`manifest` as the installed versions ask for it.

    Plugins migrate the answers that older versions were given; an instance whose plugin fails in
    that stays as it is. What is asked for no more is dropped, what is new takes its default or is
    asked. An answer that is not taken any more never becomes another one in silence: `Refused`
    says what to type, and `stated` replaces it.
    """
    _refuse_unknown_owners(manifest, stated)
    old = catalog.migrate_answers(CORE, lock.mai_version, manifest.project)
    core = catalog.core.questions
    project, dropped = _completed("", core, old, stated.get(CORE, {}), {}, ask)
    instances = []
    for instance in manifest.instances:
        own = stated.get(instance.key, {})
        newer, gone = _migrated(instance, own, lock, project, catalog, ask)
        instances.append(newer)
        dropped += gone
    return Migrated(Manifest(project).with_instances(instances), tuple(dropped))


def _migrated(
    instance: Instance,
    stated: Mapping[str, Any],
    lock: Lock,
    project: Mapping[str, Any],
    catalog: Catalog,
    ask: Ask | None,
) -> tuple[Instance, list[str]]:
    """The instance with its answers as they are asked for now, and what was dropped of them."""
    if not stated and instance.component not in catalog.components:
        return instance, []
    component = catalog[instance.component]
    locked = lock.instances.get(instance.key)
    version = locked.version if locked else catalog.providers[component.id].version
    context = {**project, **instance_context(instance.forms)}
    try:
        old = catalog.migrate_answers(component.id, version, instance.answers)
        answers, gone = _completed(
            f"{instance.key}.", component.questions, old, stated, context, ask
        )
    except PluginFailed as failed:
        catalog.leave_out_plugin(failed)
        return instance, []
    except RenderFailed:
        return instance, []
    return Instance(instance.kind, instance.name, instance.component, answers), gone


def _completed(
    prefix: str,
    questions: tuple[Question, ...],
    old: Mapping[str, Any],
    stated: Mapping[str, Any],
    context: Mapping[str, Any],
    ask: Ask | None,
) -> tuple[dict[str, Any], list[str]]:
    """Complete answers, and those of `old` that nobody asks for."""
    known = {question.name for question in questions if not question.hidden}
    kept = {name: value for name, value in old.items() if name in known}
    given = {**kept, **stated}
    try:
        answers = _answers.complete(questions, given, context, ask)
    except (InvalidAnswer, UnknownName) as problem:
        name = _not_taken(questions, given, context)
        if name is None or name in stated:
            raise
        hint = f" ({problem.hint})" if problem.hint else ""
        raise Refused(
            f"the installed version does not take an answer of this project: "
            f"{problem.message}{hint}",
            f"give another one: mai update -o {prefix}{name}=VALUE",
        ) from problem
    gone = [name for name in old if name not in answers]
    return answers, [f"{prefix}{name} = {old[name]!r} is asked for no more" for name in gone]


def _not_taken(
    questions: tuple[Question, ...], given: Mapping[str, Any], context: Mapping[str, Any]
) -> str | None:
    """The first question that does not take its answer."""
    for count, question in enumerate(questions, start=1):
        asked = {one.name for one in questions[:count]}
        try:
            own = {name: value for name, value in given.items() if name in asked}
            _answers.complete(questions[:count], own, context)
        except (InvalidAnswer, UnknownName):
            return question.name
    return None


def differences(before: Manifest, after: Manifest) -> tuple[str, ...]:
    """The answers that changed, a line each."""
    told = list(_changed_lines("", before.project, after.project))
    for instance in after.instances:
        old = before.get(instance.key)
        told += _changed_lines(f"{instance.key}.", old.answers if old else {}, instance.answers)
    return tuple(told)


def _changed_lines(
    prefix: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[str]:
    for name, value in after.items():
        if before.get(name) != value:
            yield f"{prefix}{name}: {before.get(name)!r} is {value!r} now"
