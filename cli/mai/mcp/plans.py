"""Plans that were shown, and whether they are still what would happen."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..console.documents import Changed, Verb
from ..errors import Refused, UnknownName
from ..plan.outcomes import Outcome
from ..plugins import loader
from ..plugins.loader import Catalog
from ..project.reader import read_yours
from ..project.tree import File
from ..river.choices import Choices
from ..river.flow import at_work, planned, written
from ..river.planning import Plan
from ..river.wishes import Wished


@dataclass(frozen=True)
class Request:
    """What was asked for, to be planned again before it is applied."""

    verb: Verb
    arguments: tuple[str, ...]
    wished: Wished
    choices: Choices

    def plan(self, root: Path, catalog: Catalog) -> Plan:
        """What it comes to, as the project is now."""
        return planned(root, catalog, self.verb, self.arguments, self.wished, self.choices)


@dataclass(frozen=True)
class Plans:
    """The plans of one server, by their ids."""

    _requests: dict[str, Request] = field(default_factory=dict)

    def add(self, root: Path, request: Request) -> tuple[str, Changed]:
        """Plans `request`: the plan's id, and what it would do. Nothing is written."""
        plan = request.plan(root, loader.load_catalog())
        plan_id = id_of(plan)
        self._requests[plan_id] = request
        return plan_id, plan.told("planned")

    def apply(self, root: Path, plan_id: str, *, install: bool) -> Changed:
        """Does what the plan said; raises `Refused` when that is not what would happen now."""
        request = self._requests.get(plan_id)
        if request is None:
            raise UnknownName("plan", plan_id, self._requests, "plan the change first")
        catalog = loader.load_catalog()
        with at_work(root):
            plan = request.plan(root, catalog)
            if id_of(plan) != plan_id:
                raise Refused(
                    f"the project is not as it was when {plan_id} was made", "plan it again"
                )
            done = written(plan, catalog, replace(request.choices, no_install=not install))
        del self._requests[plan_id]
        return done


def id_of(plan: Plan) -> str:
    """A digest of everything that the plan does, and of all that it was made from."""
    yours = read_yours(plan.root, plan.before.tree)
    told = {
        "command": plan.command,
        "outcomes": [_outcome(outcome) for outcome in plan.outcomes],
        "yours": {path: _file(file) for path, file in yours.items()},
        "lock": plan.before.lock.to_json(),
    }
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    return digest.hexdigest()[:16]


def _outcome(outcome: Outcome) -> list[str | None]:
    files = (_file(outcome.before), _file(outcome.file))
    return [outcome.path, outcome.action, outcome.source, *files]


def _file(file: File | None) -> str | None:
    return f"{file.blob_sha} {file.executable}" if file else None
