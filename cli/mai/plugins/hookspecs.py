"""What a plugin can do. A hook returns data; mai acts.

A plugin is an installed distribution with an entry point in group `mai.plugins` that names a
module in which functions are marked with `hookimpl`. A function may leave out arguments that it
has no use for. What it is given are copies. One that raises, that takes longer than ten seconds or
returns something else is told in a warning, and its plugin is left out for the rest of the command.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pluggy

from ..project.manifest import Manifest
from .check import Check
from .component import Component, Contribution
from .values import Plan, Problem, Project

hookimpl = pluggy.HookimplMarker("mai")
# Every plugin has a manager of its own, so the first answer is its answer.
_hookspec = pluggy.HookspecMarker("mai")(firstresult=True)


@_hookspec
def mai_components() -> Iterable[Component] | None:
    """The components that this plugin offers, usually `Component.load_all(__package__)`.

    Called once by every command that needs components. Since plugin API 1.
    """


@_hookspec
def mai_contribute(component: str, project: Project) -> Contribution | None:
    """What a component of this plugin adds to shared files beyond what its `component.toml` says.

    Called whenever a project that holds it is rendered. `component` is its id, `project` what is
    to be rendered, so that the contribution can depend on what else is chosen. The same manifest
    must always give the same contribution. Nothing adds nothing. Since plugin API 1.
    """


@_hookspec
def mai_validate(manifest: Manifest) -> Iterable[Problem] | None:
    """What this plugin finds wrong with what a project is to be made of.

    Called before anything is rendered, and by `mai doctor`. `manifest` is what the project shall
    become. A problem that it did not have before makes mai refuse the command with its message;
    one that it had already is told by `mai doctor` alone. Since plugin API 1.
    """


@_hookspec
def mai_migrate_answers(
    component: str, from_version: str, answers: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """The answers of a component of this plugin as its present questions take them.

    Called by `mai update` for each instance. `component` is the component's id, `from_version` the
    version of the plugin that rendered it, `answers` what the project's manifest says. An answer
    whose question was renamed is returned under its new name; one whose question is gone can be
    left out, and is dropped in any case. Nothing means that there is nothing to migrate. Since
    plugin API 1.
    """


@_hookspec
def mai_plan_created(plan: Plan) -> None:
    """Called when it is known what a command comes to, before it is shown or written.

    `plan` says what becomes of each file. A dry run calls it, too. Since plugin API 1.
    """


@_hookspec
def mai_applied(plan: Plan, project: Project) -> None:
    """Called when a command has written `plan` into `project`, and has installed what it needs.

    The command succeeds whatever happens here. What a plugin writes into the project itself is a
    hand edit to mai. `mai undo` does not call it. Since plugin API 1.
    """


@_hookspec
def mai_doctor(project: Project) -> Iterable[Check] | None:
    """What this plugin finds right and wrong with a project that holds components of it, or none.

    Called by `mai doctor` inside of `project`, and for nothing else. Since plugin API 1.
    """
