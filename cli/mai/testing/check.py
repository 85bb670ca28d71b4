"""One call that tries all that mai promises of a component, and tells what holds."""

import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import MaiError
from ..plugins import loader
from ..plugins.component import Component
from .claims import CLAIMS, Claim, Subject


@dataclass(frozen=True)
class Result:
    """What came of one claim."""

    claim: str
    holds: bool
    told: str
    """What was seen when it holds, else what is wrong."""

    def __str__(self) -> str:
        first, *rest = self.told.splitlines() or [""]
        lines = [f"{'ok' if self.holds else 'FAIL':>6}  {self.claim}: {first}"]
        return "\n".join([*lines, *(f"        {line}" for line in rest)])


@dataclass(frozen=True)
class Report:
    """What came of every claim."""

    component: str
    provider: str
    """Distribution and version."""
    results: tuple[Result, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """The claims that do not hold."""
        return tuple(result.claim for result in self.results if not result.holds)

    def __str__(self) -> str:
        return "\n".join([f"{self.component} of {self.provider}", *map(str, self.results)])


class ComponentFailed(AssertionError):
    """A component that does not do what mai promises; `report` says where."""

    def __init__(self, report: Report) -> None:
        super().__init__(f"{', '.join(report.failed)}\n{report}")
        self.report = report


def check_component(
    component_id: str,
    *,
    answers: Mapping[str, Any] | None = None,
    older: Path | None = None,
    claims: Iterable[Claim] = CLAIMS,
) -> Report:
    """Tries an installed component, such as `tool/weather`, and prints what holds.

    `answers` are those of its questions that have no default, or that it shall be tried with;
    `older` is the folder of an earlier version of it, from which projects are updated; `claims` are
    `CHANGES`, `INSIDE`, or some of them, by default all. Raises `ComponentFailed` when one of them
    does not hold: every other one has been tried, too.
    """
    catalog = loader.load_catalog()
    problems = "; ".join(f"{one.distribution}: {one.reason}" for one in catalog.problems)
    assert component_id in catalog.components, (
        f"{component_id} is not installed: it has {sorted(catalog.components)}; {problems}"
    )
    provider = catalog.providers[component_id]
    with tempfile.TemporaryDirectory(prefix="mai-") as scratch:
        subject = Subject(
            catalog[component_id],
            catalog,
            Path(scratch).resolve(),
            answers or {},
            Component.load(older) if older else None,
        )
        results = tuple(_try(claim, subject) for claim in claims)
    report = Report(component_id, f"{provider.distribution} {provider.version}", results)
    sys.stdout.write(f"{report}\n")
    if report.failed:
        raise ComponentFailed(report)
    return report


def _try(claim: Claim, subject: Subject) -> Result:
    try:
        return Result(claim.__name__, holds=True, told=claim(subject))
    except (AssertionError, MaiError) as failed:
        told = f"{failed}\n{getattr(failed, 'hint', '')}".strip()
    # A border: what one claim stumbles over must not hide what the others find.
    except Exception as error:  # noqa: BLE001
        told = f"{type(error).__name__}: {error}"
    return Result(claim.__name__, holds=False, told=told)
