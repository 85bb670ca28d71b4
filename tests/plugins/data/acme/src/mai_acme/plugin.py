"""The hooks: which components there are, and what they have to say."""

from collections.abc import Iterable, Iterator

from mai.plugins import Check, Component, Contribution, EnvVar, Problem, hookimpl
from mai.plugins import Manifest, Plan, Project


@hookimpl
def mai_components() -> Iterable[Component]:
    return Component.load_all(__package__)
