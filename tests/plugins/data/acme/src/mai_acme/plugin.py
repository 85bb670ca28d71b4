"""The hooks: which components there are, and what they have to say."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from mai.plugins import Check, Component, Contribution, Manifest, Plan, Problem, Project, hookimpl

CLERK, ORDERS = "agent/acme_clerk", "feature/acme_orders"
MOST_CLERKS = 2


@hookimpl
def mai_components() -> Iterable[Component]:
    return Component.load_all(__package__)


@hookimpl
def mai_contribute(component: str, project: Project) -> Contribution | None:
    if component == ORDERS and _clerks(project.manifest):
        return Contribution(notes="The clerk answers questions about them.")
    return None


@hookimpl
def mai_validate(manifest: Manifest) -> Iterator[Problem]:
    if len(_clerks(manifest)) > MOST_CLERKS:
        yield Problem(f"there is room for {MOST_CLERKS} clerks only", "mai remove agent NAME")


@hookimpl
def mai_plan_created(plan: Plan) -> None:
    _write(f"planned {plan.command}: {len(plan.files)} files")


@hookimpl
def mai_applied(plan: Plan, project: Project) -> None:
    _write(f"applied {plan.command} in {project.root and project.root.name}")


@hookimpl
def mai_doctor(project: Project) -> Iterator[Check]:
    if project.root and any(one.component == ORDERS for one in project.manifest.instances):
        printer = project.root / "compose.d" / "acme-printer.yaml"
        yield Check("printer", printer.is_file(), f"{printer.name} is there")


def _clerks(manifest: Manifest) -> list[str]:
    return [one.name for one in manifest.instances if one.component == CLERK]


def _write(line: str) -> None:
    if journal := os.environ.get("ACME_JOURNAL"):
        with Path(journal).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
