"""How many runs go on in this process, whenever somebody asks."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache

from opentelemetry.metrics import CallbackOptions, Observation, get_meter

from .. import NAME
from ..agents.registry import AgentRegistry
from ..core.services import Services
from ..runs.manager import RunManager

_running: list[Services] = []


@contextmanager
def live_runs_counted(services: Services) -> Iterator[None]:
    """Count the runs of a service while it is open."""
    _gauge()
    _running.append(services)
    try:
        yield
    finally:
        _running.remove(services)


@cache
def _gauge() -> None:
    get_meter(NAME).create_observable_gauge(
        "agent.runs.live",
        callbacks=[_observe],
        unit="{run}",
        description="Runs that go on in this process.",
    )


def _observe(_: CallbackOptions) -> Iterable[Observation]:
    for services in _running:
        with suppress(LookupError):  # the room of runs opens in a moment
            live = services.get(RunManager).live()
            for name in services.get(AgentRegistry):
                yield Observation(live[name], {"gen_ai.agent.name": name})
