"""Whether each installed plugin is sound, and where one is not."""

from collections.abc import Iterator
from typing import Any

from ..errors import MaiError, UsageError
from ..plan.answers import complete
from ..plan.instances import needed_by, wanted_instance
from ..plugins.check import Check
from ..plugins.component import Component
from ..plugins.installed import OWN_DISTRIBUTION, Installed
from ..plugins.loader import Catalog, PluginProblem
from ..project.manifest import Instance, Manifest


def of_installed(catalog: Catalog) -> Iterator[Check]:
    """Each plugin as it was loaded, and its components as they are rendered by themselves."""
    for found in catalog.installed:
        yield from _of_one(found, catalog)
    known = {found.name for found in catalog.installed}
    yield from (of_problem(one) for one in catalog.problems if one.distribution not in known)


def of_problem(problem: PluginProblem) -> Check:
    """Why a plugin, or a part of it, is left out, and where its author has to look."""
    place = f"look at {problem.where}; " if problem.where else ""
    name = f"plugin {problem.distribution}"
    return Check(name, False, f"left out: {problem.reason}", f"{place}{problem.mend}")


def _of_one(found: Installed, catalog: Catalog) -> Iterator[Check]:
    problems, own = catalog.problems_of(found), catalog.offered_by(found)
    if found.name != OWN_DISTRIBUTION:
        problems += [
            PluginProblem.of(found.name, failed)
            for id_ in own
            if (failed := _failure(catalog[id_], catalog))
        ]
    if not problems:
        offered = ", ".join(own) or "hooks only"
        yield Check(f"plugin {found.name}", True, f"{found.version} offers {offered}")
    yield from map(of_problem, problems)


def _failure(component: Component, catalog: Catalog) -> MaiError | None:
    """Why a component cannot be added to a project, under the answers that nobody gives."""
    from ..render.engine import render

    named = {"project_name": "shop", "project_title": "Shop", "package_name": "shop"}
    answers = complete(catalog.core.questions, named, {})
    try:
        needed = (catalog[id_] for id_ in needed_by(component, catalog))
        instances = [_instance(one, catalog, answers) for one in (*needed, component)]
        render(Manifest(answers).with_instances(instances), catalog)
    except UsageError:
        return None  # it has a question that somebody must answer, or needs what is not installed
    except MaiError as failed:
        return failed
    return None


def _instance(component: Component, catalog: Catalog, project: dict[str, Any]) -> Instance:
    own = component.name.replace("_", "-")
    name = f"first-{own}" if component.multi else own
    return wanted_instance(catalog, component.kind, name, {"from": component.id}, project)
