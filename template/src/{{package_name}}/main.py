"""Wiring: finds the rooms and puts them together. Nothing else happens here."""

import gc
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast

from fastapi import APIRouter, Depends, FastAPI
from pydantic_settings import BaseSettings
from starlette.middleware.cors import CORSMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from . import DESCRIPTION, TITLE, __version__
from .agents.definition import AgentDefinition
from .agents.registry import AgentRegistry
from .auth.modes import AuthModes
from .core.browsers import PAGES_OF_FASTAPI, SameOrigin, SecurityHeaders, cors_options
from .core.errors import AppError, InvalidRequest
from .core.logging import configure_logging
from .core.middleware import BodyLimit, RequestContext
from .core.migrate import prepare_schema
from .core.modules import AppModule, Router, discover
from .core.parameters import refuse_unknown_parameters
from .core.problems import ProblemAPI, add_problem_handlers, problems
from .core.services import Services
from .core.settings import Settings, get_settings, load_settings

_ALLOCATIONS_PER_COLLECTION = 20_000  # Python's own 700 are for programs of small heaps


def get_app() -> FastAPI:
    """The application as a server runs it.

    `uvicorn --factory <package>.main:get_app --no-proxy-headers --http h11`: which proxies are
    believed is said by TRUSTED_PROXIES, and the other HTTP parser takes headers of any size.
    """
    settings = get_settings()
    configure_logging(settings)
    app = create_app(settings)
    # A tenth of a server's time, and pauses of a tenth of a second, go into collecting garbage
    # among what is loaded once and stays.
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS_PER_COLLECTION, *gc.get_threshold()[1:])
    return app


def create_app(
    settings: Settings | None = None,
    *,
    agents: Mapping[str, AgentDefinition] | None = None,
    room_settings: Iterable[BaseSettings] = (),
) -> FastAPI:
    """The application, wired and not yet started.

    `settings`, and those of rooms that are not in `room_settings`, default to the environment's,
    `agents` to those in the `agents` folder.
    Raises `StartupError` when a room or a setting is wrong.
    """
    settings = settings or get_settings()
    modules = discover(__package__)
    services = Services(settings)
    given = {type(one): one for one in room_settings}
    for module in modules:
        if module.settings is not None:
            kind = module.load(module.settings)
            services.provide(kind, given.get(kind) or load_settings(kind))
    registry = AgentRegistry.discover() if agents is None else AgentRegistry(agents)
    services.provide(AgentRegistry, registry)
    app = ProblemAPI(
        title=TITLE,
        description=DESCRIPTION,
        version=__version__,
        lifespan=_lifespan,
        redirect_slashes=False,  # to an address made of what the client says of itself
        dependencies=[Depends(refuse_unknown_parameters)],
        generate_unique_id_function=lambda route: route.name,  # what generated clients call it
        responses=problems(InvalidRequest, AppError),
    )
    app.security_schemes = AuthModes(modules).schemes
    app.state.services = services
    app.state.modules = modules
    _add_middleware(app, settings)
    for module in modules:
        if module.router is not None:
            router = cast(Router, module.load(module.router))
            built = router if isinstance(router, APIRouter) else router(services)
            app.include_router(built, prefix=module.prefix)
    add_problem_handlers(app)
    return app


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """The layers around the routes, the innermost first."""
    origins = settings.cors_origins
    pages = (app.docs_url, app.redoc_url, app.swagger_ui_oauth2_redirect_url)
    policies = {path: PAGES_OF_FASTAPI for path in pages if path}
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(SameOrigin, origins=origins)
    app.add_middleware(RequestContext, debug=settings.debug)
    if origins:
        app.add_middleware(CORSMiddleware, **cors_options(origins))
    hsts = settings.environment == "production"
    app.add_middleware(SecurityHeaders, policies=policies, hsts=hsts)
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=[*settings.trusted_proxies])


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    modules: tuple[AppModule, ...] = app.state.modules
    async with AsyncExitStack() as stack:
        stack.push_async_callback(services.database.close)
        await prepare_schema(services.database)
        await stack.enter_async_context(services.bus)
        stack.push_async_callback(services.kv.close)
        for module in modules:
            if module.lifespan is not None:
                await stack.enter_async_context(module.load(module.lifespan)(services))
        yield
