"""Other paths to the routes of `runs/`, for clients that know them; OpenAPI has none of them."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from pydantic import ValidationError

from ..agents.registry import AgentRegistry
from ..agents.routes import AgentName, known_agent
from ..auth.caller import CurrentUser, limited
from ..core.errors import InvalidRequest
from ..core.services import ServicesDep
from ..runs.routes import Reply, answer

router = APIRouter(include_in_schema=False, dependencies=[Depends(limited("runs"))])


class Asked:
    """A request of which only the path tells what its body has to be."""

    def __init__(
        self,
        body: Annotated[dict[str, Any], Body()],
        request: Request,
        caller: CurrentUser,
        services: ServicesDep,
    ) -> None:
        self._body = body
        self._request = request
        self._caller = caller
        self._services = services
        self._registry = services.get(AgentRegistry)

    def first_agent(self) -> str:
        """The name of the first agent, which must be for the caller."""
        return known_agent(self._registry.first(), self._caller, self._services)

    async def answer(self, name: str, **fixed: bool) -> Reply:
        """What the agent answers; `fixed` stands above what the body says."""
        try:
            asked = self._registry.bodies[name].model_validate(self._body | fixed)
        except ValidationError as error:
            raise InvalidRequest.of(error.errors(), "body") from error
        return await answer(name, asked, self._request, self._caller, self._services)


AskedDep = Annotated[Asked, Depends()]


@router.post("/agents/run/{name}", response_model=None)
async def run(name: AgentName, asked: AskedDep) -> Reply:
    """Ask an agent."""
    return await asked.answer(name)


@router.post("/agents/stream/{name}", response_model=None)
@router.post("/agents/{name}/chat", response_model=None)
async def stream(name: AgentName, asked: AskedDep) -> Reply:
    """Ask an agent and get its answer as it comes."""
    return await asked.answer(name, stream=True)


@router.post("/messages", response_model=None)
async def send(asked: AskedDep) -> Reply:
    """Ask the first agent."""
    return await asked.answer(asked.first_agent())


@router.post("/messages/stream", response_model=None)
async def send_and_stream(asked: AskedDep) -> Reply:
    """Ask the first agent and get its answer as it comes."""
    return await asked.answer(asked.first_agent(), stream=True)
