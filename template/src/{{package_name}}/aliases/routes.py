"""Other paths to the routes of `runs/`, for clients that know them; OpenAPI has none of them."""

from fastapi import APIRouter

from ..agents.registry import AgentRegistry
from ..core.services import Services
from ..runs.routes import add_run_route, run_unknown

RUN, STREAM, CHAT = "/agents/run/{name}", "/agents/stream/{name}", "/agents/{name}/chat"


def build_router(services: Services) -> APIRouter:
    """Return the routes: of each agent, of the first one, and of those that there are not."""
    router = APIRouter(include_in_schema=False)
    registry = services.get(AgentRegistry)
    for name in registry:
        for path in (RUN, STREAM, CHAT):
            add_run_route(router, path.format(name=name), services, name, stream=path != RUN)
    for name in list(registry)[:1]:
        add_run_route(router, "/messages", services, name)
        add_run_route(router, "/messages/stream", services, name, stream=True)
    for path in (RUN, STREAM, CHAT):
        router.post(path)(run_unknown)
    return router
