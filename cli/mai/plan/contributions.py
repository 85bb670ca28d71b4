"""What instances add to the files that all share: a pure union."""

from collections.abc import Iterable, Mapping
from typing import Any

from ..plugins.component import Component
from ..project.manifest import Instance


def contribution_of(component: Component) -> dict[str, Any]:
    """What a component adds, as the lock keeps it."""
    return component.model_dump(
        mode="json", include={"dependencies", "env", "compose"}, exclude_defaults=True
    )


def shared_context(chosen: Iterable[tuple[Instance, Component]]) -> dict[str, Any]:
    """The variables of the core's template that depend on what was chosen.

    They are the hidden questions of `copier.yml`: `dependencies`, `env_sections`,
    `compose_fragments`, `compose_environment`, `compose_depends_on`, `instances`.
    """
    chosen = tuple(chosen)
    components = {component.id: component for _, component in chosen}.values()
    return {
        "dependencies": sorted({d for c in components for d in c.dependencies}, key=str.lower),
        "env_sections": [_env_section(c) for c in components if c.env],
        "compose_fragments": sorted({f for c in components for f in c.compose.fragments}),
        "compose_environment": _joined(c.compose.environment for c in components),
        "compose_depends_on": _joined(c.compose.depends_on for c in components),
        "instances": [_instance(instance, component) for instance, component in chosen],
    }


def _env_section(component: Component) -> dict[str, Any]:
    return {
        "title": component.title,
        "variables": [variable.model_dump() for variable in component.env],
    }


def _joined(mappings: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return dict(sorted(pair for mapping in mappings for pair in mapping.items()))


def _instance(instance: Instance, component: Component) -> dict[str, str]:
    forms = instance.forms
    return {
        "kind": instance.kind,
        "name": forms.slug,
        "module": forms.module,
        "title": forms.title,
        "summary": component.summary,
        "component": component.id,
        "notes": component.notes,
    }
