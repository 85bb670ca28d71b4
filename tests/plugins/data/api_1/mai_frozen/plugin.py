"""Every hook of plugin API 1, with every argument."""

from collections.abc import Iterable, Mapping
from typing import Any

from mai.plugins import (
    Check,
    Component,
    Compose,
    Contribution,
    EnvVar,
    Manifest,
    Plan,
    Problem,
    Project,
    hookimpl,
)

CALLS: list[tuple[str, dict[str, Any]]] = []
"""Each call of a hook, and what it was given."""


@hookimpl
def mai_components() -> Iterable[Component]:
    CALLS.append(("mai_components", {}))
    return Component.load_all(__package__)


@hookimpl
def mai_contribute(component: str, project: Project) -> Contribution | None:
    CALLS.append(("mai_contribute", {"component": component, "project": project}))
    if all(instance.component != "tool/clock" for instance in project.manifest.instances):
        return None
    return Contribution(
        dependencies=("astral>=3.2",),
        env=(EnvVar(name="ALMANAC__ZONE", default="UTC", help="The zone of its times."),),
        compose=Compose(environment={"ALMANAC__ZONE": "UTC"}),
        notes="The clock's zone is not the almanac's.",
    )


@hookimpl
def mai_validate(manifest: Manifest) -> Iterable[Problem]:
    CALLS.append(("mai_validate", {"manifest": manifest}))
    for instance in manifest.instances:
        if instance.kind == "tool" and instance.answers.get("town") == "Atlantis":
            yield Problem("the sun does not rise in Atlantis", "choose a town above the sea")


@hookimpl
def mai_migrate_answers(
    component: str, from_version: str, answers: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    given = {"component": component, "from_version": from_version, "answers": answers}
    CALLS.append(("mai_migrate_answers", given))
    if "city" not in answers:
        return None
    return {"town": answers["city"]}


@hookimpl
def mai_plan_created(plan: Plan) -> None:
    CALLS.append(("mai_plan_created", {"plan": plan}))


@hookimpl
def mai_applied(plan: Plan, project: Project) -> None:
    CALLS.append(("mai_applied", {"plan": plan, "project": project}))


@hookimpl
def mai_doctor(project: Project) -> Iterable[Check]:
    CALLS.append(("mai_doctor", {"project": project}))
    assert project.root is not None
    there = (project.root / "almanac.toml").is_file()
    return [Check("almanac.toml", there, "there" if there else "it is gone", "git checkout it")]
