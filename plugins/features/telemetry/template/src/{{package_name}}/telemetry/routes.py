"""`GET /metrics`: the metrics of this process, for Prometheus."""

from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import PlainTextResponse, Response

from ..auth.caller import CurrentUser
from ..core.problems import OF_CALLERS, problems
from ..core.services import Services
from .settings import TelemetrySettings

READ = "metrics:read"
"""The scope that a caller needs, for the numbers are about everybody."""


def build_router(services: Services) -> APIRouter:
    """The route, where the settings want it."""
    router = APIRouter(tags=["telemetry"])
    if services.get(TelemetrySettings).prometheus:
        add = router.get(
            "/metrics", response_class=PlainTextResponse, responses=problems(*OF_CALLERS)
        )
        add(read_metrics)
    return router


async def read_metrics(caller: CurrentUser, accept: Annotated[str, Header()] = "") -> Response:
    """The metrics of this process, as text: of requests, models, tools, and of Python itself."""
    caller.require({READ}, "/metrics")
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.registry import REGISTRY

    encode, media_type = choose_encoder(accept)
    return Response(encode(REGISTRY), media_type=media_type)
