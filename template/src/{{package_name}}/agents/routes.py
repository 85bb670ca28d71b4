"""The agents over HTTP: which there are, and the conversations of each. Runs are in `runs/`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path
from pydantic import BaseModel, Field

from ..auth.caller import CurrentUser
from ..core.conditions import POLLED, PolledDep
from ..core.errors import NotFound
from ..core.pages import Page
from ..core.problems import OF_BODIES, OF_CALLERS, problems
from ..core.services import ServicesDep
from ..llm.models import DEMO
from ..llm.settings import LlmSettings
from ..sessions import routes as sessions
from ..sessions import store
from ..sessions.schemas import MessageView, SessionCreate, SessionView
from .registry import AgentRegistry

router = APIRouter(responses=problems(*OF_CALLERS))
_of_agents = APIRouter(prefix="/agents", tags=["agents"])


class NewSession(SessionCreate):
    """A session and the agent that it is with."""

    agent: str | None = Field(None, max_length=64, description="By default the first there is.")


class AgentView(BaseModel):
    """An agent of this service."""

    name: str
    summary: str
    model: str
    demo: bool


class SessionHistory(BaseModel):
    """A conversation and a page of what was said in it."""

    session: SessionView
    messages: Page[MessageView]


def known_agent(
    name: Annotated[
        str, Path(max_length=64, description="The name of an agent.", examples=["assistant"])
    ],
    caller: CurrentUser,
    services: ServicesDep,
) -> str:
    """The name in the path; `NotFound` when no agent has it, `Forbidden` when it's not for you."""
    caller.require(services.get(AgentRegistry).find(name).scopes, f"agent {name!r}")
    return name


AgentName = Annotated[str, Depends(known_agent)]


@_of_agents.get("")
async def list_agents(caller: CurrentUser, services: ServicesDep) -> list[AgentView]:
    """The agents that you can talk to."""
    default = services.get(LlmSettings).default_model
    models = {name: one.model_id(default) for name, one in services.get(AgentRegistry).items()}
    return [
        AgentView(name=name, summary=one.summary, model=models[name], demo=models[name] == DEMO)
        for name, one in services.get(AgentRegistry).items()
        if caller.may(one.scopes)
    ]


@router.post(
    "/sessions", status_code=201, tags=["sessions"], responses=problems(NotFound, *OF_BODIES)
)
async def create_session_with(
    caller: CurrentUser, services: ServicesDep, body: Annotated[NewSession | None, Body()] = None
) -> SessionView:
    """Begin a conversation with the agent that the body names, or with the first there is."""
    body = body or NewSession()
    registry = services.get(AgentRegistry)
    name = known_agent(body.agent or registry.first(), caller, services)
    return await create_session(name, caller, services, body)


@_of_agents.post("/{name}/sessions", status_code=201, responses=problems(NotFound, *OF_BODIES))
async def create_session(
    name: AgentName,
    caller: CurrentUser,
    services: ServicesDep,
    body: Annotated[SessionCreate | None, Body()] = None,
) -> SessionView:
    """Begin a conversation with an agent. (A run without a session begins one by itself.)"""
    async with services.database.transaction() as db:
        session = await store.create_session(db, caller, name, body or SessionCreate())
        return SessionView.model_validate(session)


@_of_agents.get("/{name}/sessions", responses=problems(NotFound))
async def list_agent_sessions(
    name: AgentName, caller: CurrentUser, services: ServicesDep, page: sessions.SessionsPage
) -> Page[SessionView]:
    """Your conversations with an agent, newest first."""
    return await sessions.page_of_sessions(caller, services, page, name)


@_of_agents.get("/{name}/sessions/{session_id}", responses=POLLED | problems(NotFound))
async def get_agent_session(
    name: AgentName,
    session_id: UUID,
    caller: CurrentUser,
    services: ServicesDep,
    page: sessions.MessagesPage,
    polled: PolledDep,
) -> SessionHistory:
    """One of your conversations with an agent, with what was said in it."""
    async with services.database.session() as db:
        session = await store.get_session(db, caller, session_id, name)
    messages = await sessions.page_of_messages(caller, services, page, session_id)
    view = SessionView.model_validate(session)
    return polled.answer(SessionHistory(session=view, messages=messages))


router.include_router(_of_agents)
