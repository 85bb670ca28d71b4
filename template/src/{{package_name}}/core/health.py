"""`GET /health`: asks every room how it is and rolls the answers up into one word."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, Literal

import structlog
from fastapi import APIRouter, Response
from pydantic import BaseModel

from .. import NAME, __version__
from .modules import discover
from .services import Services, ServicesDep

log = structlog.get_logger(__name__)

Status = Literal["ok", "degraded", "down"]

CHECK_TIMEOUT_S = 2.0
CRITICAL = frozenset({"database"})
"""The parts without which no request can be answered; any other one only degrades."""


class HealthReport(BaseModel):
    """How one part of the service is; `facts` are shown as they are, so they hold no secret."""

    status: Status = "ok"
    summary: str = ""
    facts: dict[str, Any] = {}


class Health(BaseModel):
    """The service as a whole, and its parts by name."""

    status: Status
    name: str
    version: str
    checks: dict[str, HealthReport]


def roll_up(reports: Mapping[str, HealthReport]) -> Status:
    """`down` if a critical part is, else `degraded` if any part is not ok, else `ok`."""
    if any(reports[name].status == "down" for name in CRITICAL & reports.keys()):
        return "down"
    if any(report.status != "ok" for report in reports.values()):
        return "degraded"
    return "ok"


async def ask(
    name: str, check: Awaitable[HealthReport], timeout_s: float = CHECK_TIMEOUT_S
) -> HealthReport:
    """What `check` answers; `down` when it fails or takes longer than `timeout_s`."""
    try:
        return await asyncio.wait_for(check, timeout_s)
    except TimeoutError:
        return HealthReport(status="down", summary=f"no answer within {timeout_s:g} s")
    except Exception as error:
        log.warning("health_check_failed", check=name, error=str(error))
        return HealthReport(status="down", summary=type(error).__name__)


router = APIRouter(tags=["health"])


@router.get(
    "/health",
    responses={503: {"model": Health, "description": "The service is down"}},
    openapi_extra={"security": []},  # whoever asks is answered
)
async def health(services: ServicesDep, response: Response) -> Health:
    """Whether the service can answer requests: 200 when it is ok or degraded, 503 when down."""
    checks: dict[str, Awaitable[HealthReport]] = {
        "database": _check_database(services),
        "bus": _check_bus(services),
    }
    for module in discover(__package__.rpartition(".")[0]):
        if module.health is not None:
            checks[module.name] = module.load(module.health)(services)
    answers = await asyncio.gather(*(ask(name, check) for name, check in checks.items()))
    reports = dict(zip(checks, answers, strict=True))
    status = roll_up(reports)
    response.status_code = 503 if status == "down" else 200
    return Health(status=status, name=NAME, version=__version__, checks=reports)


async def _check_database(services: Services) -> HealthReport:
    await services.database.ping()
    return HealthReport(facts={"dialect": services.database.dialect})


async def _check_bus(services: Services) -> HealthReport:
    report = HealthReport(facts={"kind": services.bus.kind})
    if not services.bus.connected:
        report.status, report.summary = "degraded", "not connected; trying again"
    return report
