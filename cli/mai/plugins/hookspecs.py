"""What a plugin can do. A hook returns data; mai acts.

A plugin is an installed distribution with an entry point in group `mai.plugins` that names a
module in which functions are marked with `hookimpl`.
"""

from collections.abc import Iterable

import pluggy

from .component import Component

hookspec = pluggy.HookspecMarker("mai")
hookimpl = pluggy.HookimplMarker("mai")


@hookspec
def mai_components() -> Iterable[Component]:  # type: ignore[empty-body]  # pluggy never calls it
    """The components that this plugin offers, usually `Component.load_all(__package__)`.

    Called once for a command that needs components. Since plugin API 1.
    """
