"""The agents over HTTP: which there are, and the conversations of each. Runs are in `runs/`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path
from pydantic import BaseModel

from ..auth.caller import CallerDep
from ..core.services import ServicesDep
from ..llm.models import DEMO
from ..llm.settings import LlmSettings
from ..sessions import routes as sessions
from ..sessions import store
from ..sessions.schemas import MessageView, Page, SessionCreate, SessionView
from .registry import AgentRegistry

router = APIRouter(prefix="/agents", tags=["agents"])


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
    name: Annotated[str, Path(max_length=64, description="The name of an agent.")],
    caller: CallerDep,
    services: ServicesDep,
) -> str:
    """The name in the path; `NotFound` when no agent has it, `Forbidden` when it's not for you."""
    caller.require(services.get(AgentRegistry).find(name).scopes, f"agent {name!r}")
    return name


AgentName = Annotated[str, Depends(known_agent)]


@router.get("")
async def list_agents(caller: CallerDep, services: ServicesDep) -> list[AgentView]:
    """The agents that you can talk to."""
    default = services.get(LlmSettings).default_model
    models = {name: one.model_id(default) for name, one in services.get(AgentRegistry).items()}
    return [
        AgentView(name=name, summary=one.summary, model=models[name], demo=models[name] == DEMO)
        for name, one in services.get(AgentRegistry).items()
        if caller.may(one.scopes)
    ]


@router.post("/{name}/sessions", status_code=201)
async def create_session(
    name: AgentName,
    caller: CallerDep,
    services: ServicesDep,
    body: Annotated[SessionCreate | None, Body()] = None,
) -> SessionView:
    """Begin a conversation with an agent. (A run without a session begins one by itself.)"""
    async with services.database.transaction() as db:
        session = await store.create_session(db, caller, name, body or SessionCreate())
        return SessionView.model_validate(session)


@router.get("/{name}/sessions")
async def list_agent_sessions(
    name: AgentName, caller: CallerDep, services: ServicesDep, page: sessions.SessionsPage
) -> Page[SessionView]:
    """Your conversations with an agent, newest first."""
    return await sessions.page_of_sessions(caller, services, page, name)


@router.get("/{name}/sessions/{session_id}")
async def get_agent_session(
    name: AgentName,
    session_id: UUID,
    caller: CallerDep,
    services: ServicesDep,
    page: sessions.MessagesPage,
) -> SessionHistory:
    """One of your conversations with an agent, with what was said in it."""
    async with services.database.session() as db:
        session = await store.get_session(db, caller, session_id, name)
    return SessionHistory(
        session=SessionView.model_validate(session),
        messages=await sessions.list_messages(session_id, caller, services, page),
    )
