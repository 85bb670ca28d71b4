"""The ways to say who is calling that come with mai."""

from collections.abc import Iterable

from mai.plugins import Component, hookimpl


@hookimpl
def mai_components() -> Iterable[Component]:
    """Every mode of this folder."""
    return Component.load_all(__package__)
