"""What a plugin can do. A hook returns data; mai acts.

A plugin is an installed distribution with an entry point in group `mai.plugins` that names a
module in which functions are marked with `hookimpl`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pluggy

from .component import Component

hookspec = pluggy.HookspecMarker("mai")
hookimpl = pluggy.HookimplMarker("mai")


@hookspec
def mai_components() -> Iterable[Component]:  # type: ignore[empty-body]  # pluggy never calls it
    """The components that this plugin offers, usually `Component.load_all(__package__)`.

    Called once for a command that needs components. Since plugin API 1.
    """


@hookspec(firstresult=True)
def mai_migrate_answers(
    component: str, from_version: str, answers: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """The answers of a component of this plugin as its present questions take them.

    Called by `mai update` for each instance that an older version rendered. `component` is the
    component's id, `from_version` the version of the plugin that rendered it, `answers` what the
    project's manifest says. An answer whose question was renamed is returned under its new name;
    one whose question is gone can be left out, and is dropped in any case. Nothing means that
    there is nothing to migrate. Since plugin API 1.
    """
