"""The tools that come with mai."""

from collections.abc import Iterable

from mai.plugins import Component, hookimpl


@hookimpl
def mai_components() -> Iterable[Component]:
    """Every tool of this folder."""
    return Component.load_all(__package__)
