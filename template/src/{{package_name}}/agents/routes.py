"""The agents over HTTP: which there are, and the conversations of each. Runs are in `runs/`."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path, Query
from pydantic import BaseModel

from ..auth.caller import CallerDep
from ..core.services import ServicesDep
from ..llm.models import DEMO
from ..llm.settings import LlmSettings
from ..sessions import store
from ..sessions.schemas import Limit, MessageView, Page, SessionCreate, SessionView
from .definition import AgentDefinition
from .registry import AgentRegistry
from .settings import AgentsSettings

router = APIRouter(prefix="/agents", tags=["agents"])


class AgentView(BaseModel):
    """An agent of this service."""

    name: str
    summary: str
    model: str
    demo: bool
    default: bool

    @classmethod
    def of(cls, name: str, definition: AgentDefinition, *, model: str, default: str) -> Self:
        """Return what the API shows of an agent."""
        return cls(
            name=name,
            summary=definition.summary,
            model=model,
            demo=model == DEMO,
            default=name == default,
        )


def get_registry(services: ServicesDep) -> AgentRegistry:
    """The agents of the application that serves this request."""
    return services.get(AgentRegistry)


def known_agent(
    name: Annotated[str, Path(max_length=64, description="The name of an agent.")],
    agents: Annotated[AgentRegistry, Depends(get_registry)],
) -> str:
    """The name in the path; raises `NotFound` when no agent has it."""
    agents.find(name)
    return name


AgentName = Annotated[str, Depends(known_agent)]


@router.get("")
async def list_agents(_caller: CallerDep, services: ServicesDep) -> list[AgentView]:
    """The agents that you can talk to."""
    agents = services.get(AgentRegistry)
    default = agents.default(services.get(AgentsSettings).default)
    fallback = services.get(LlmSettings).default_model
    return [
        AgentView.of(name, one, model=one.model_id(fallback), default=default or "")
        for name, one in agents.items()
    ]


@router.post("/{name}/sessions", status_code=201)
async def create_session(
    name: AgentName,
    caller: CallerDep,
    services: ServicesDep,
    body: Annotated[SessionCreate | None, Body()] = None,
) -> SessionView:
    """Begin a conversation with an agent. (A run without a session begins one by itself.)"""
    asked = body or SessionCreate()
    new = store.NewSession(
        agent_name=name,
        title=asked.title,
        preferences=asked.preferences,
        variables=asked.variables,
    )
    async with services.database.transaction() as db:
        return SessionView.of(await store.create_session(db, caller, new))


@router.get("/{name}/sessions")
async def list_sessions(
    name: AgentName,
    caller: CallerDep,
    services: ServicesDep,
    before: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Page[SessionView]:
    """Your conversations with an agent, newest first."""
    async with services.database.session() as db:
        found = await store.list_sessions(
            db, caller, limit=limit + 1, agent_name=name, before=before
        )
    views = [SessionView.of(session) for session in found]
    return Page.of(views, limit, lambda view: view.session_id)


class SessionHistory(BaseModel):
    """A conversation and the first messages of it."""

    session: SessionView
    messages: Page[MessageView]


@router.get("/{name}/sessions/{session_id}")
async def get_session(
    name: AgentName,
    session_id: UUID,
    caller: CallerDep,
    services: ServicesDep,
    after: Annotated[int, Query(ge=-1, lt=2**31, description="`next` of the page before.")] = -1,
    limit: Annotated[Limit, Query()] = 100,
) -> SessionHistory:
    """One of your conversations with an agent, with what was said in it."""
    async with services.database.session() as db:
        session = await store.get_session(db, caller, session_id, name)
        found = await store.list_messages(db, caller, session_id, limit=limit + 1, after=after)
    views = [MessageView.of(message) for message in found]
    messages = Page.of(views, limit, lambda view: view.position)
    return SessionHistory(session=SessionView.of(session), messages=messages)
