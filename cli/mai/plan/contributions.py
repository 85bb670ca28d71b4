"""What instances add to the files that all share: a pure union."""

from collections.abc import Iterable, Mapping
from typing import Any

from ..plugins.component import Component, Compose, Contribution
from ..project.manifest import Instance


class Contributed(Contribution):
    """What an instance adds to shared files. The lock keeps it, so that a project can still be
    rendered when the plugin of one of its instances is not installed."""

    title: str
    summary: str


def contributed(component: Component, more: Contribution | None) -> Contributed:
    """What a component states, and what its plugin adds to that."""
    stated = Contributed.model_validate(component, from_attributes=True)
    return stated if more is None else stated.model_copy(update=_both(stated, more))


def _both(one: Contribution, other: Contribution) -> dict[str, Any]:
    known = {variable.name for variable in one.env}
    compose = Compose(
        fragments=(*one.compose.fragments, *other.compose.fragments),
        environment={**one.compose.environment, **other.compose.environment},
        depends_on={**one.compose.depends_on, **other.compose.depends_on},
    )
    return {
        "dependencies": (*one.dependencies, *other.dependencies),
        "env": (*one.env, *(variable for variable in other.env if variable.name not in known)),
        "compose": compose,
        "notes": "\n\n".join(note for note in (one.notes, other.notes) if note),
    }


def shared_context(chosen: Iterable[tuple[Instance, Contributed]]) -> dict[str, Any]:
    """The variables of the core's template that depend on what was chosen.

    They are the hidden questions of `copier.yml`: `dependencies`, `env_sections`,
    `compose_fragments`, `compose_environment`, `compose_depends_on`, `instances`.
    """
    chosen = tuple(chosen)
    # Several instances of one component add to shared files once.
    added = {instance.component: contribution for instance, contribution in chosen}.values()
    return {
        "dependencies": sorted({d for c in added for d in c.dependencies}, key=str.lower),
        "env_sections": [_env_section(c) for c in added if c.env],
        "compose_fragments": sorted({f for c in added for f in c.compose.fragments}),
        "compose_environment": _joined(c.compose.environment for c in added),
        "compose_depends_on": _joined(c.compose.depends_on for c in added),
        "instances": [_instance(instance, contribution) for instance, contribution in chosen],
    }


def _env_section(contribution: Contributed) -> dict[str, Any]:
    return {
        "title": contribution.title,
        "variables": [variable.model_dump() for variable in contribution.env],
    }


def _joined(mappings: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return dict(sorted(pair for mapping in mappings for pair in mapping.items()))


def _instance(instance: Instance, contribution: Contributed) -> dict[str, Any]:
    forms = instance.forms
    return {
        "kind": instance.kind,
        "name": forms.slug,
        "module": forms.module,
        "title": forms.title,
        "summary": contribution.summary,
        "component": instance.component,
        "notes": contribution.notes,
        "answers": dict(instance.answers),
    }
