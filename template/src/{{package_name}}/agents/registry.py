"""The agents of this service by name, found because their folders stand here."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Self

from ..core.errors import NotFound, StartupError
from .definition import AgentDefinition, AgentRequest

# `/agents/run/{name}` and its like are, or may become, routes: such an agent would hide them.
RESERVED = frozenset({"chat", "run", "runs", "session", "sessions", "stop", "stream"})

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_NAME_LENGTH = 64


class AgentRegistry(Mapping[str, AgentDefinition]):
    """Agents by name, in alphabetical order.

    Raises `StartupError` for a name that cannot be served.
    """

    def __init__(self, agents: Mapping[str, AgentDefinition]) -> None:
        for name in agents:
            _check_name(name, f"agent {name!r}")
        self._agents = dict(sorted(agents.items()))
        for name, definition in self._agents.items():
            if definition.agent.name is None:
                definition.agent.name = name

    @classmethod
    def discover(cls) -> Self:
        """Return the agents of this folder.

        Raises `StartupError` for a folder that holds none, naming the file to mend.
        """
        package = import_module(__package__)
        folders = (path for root in package.__path__ for path in Path(root).iterdir())
        found = sorted(folder for folder in folders if _may_be_agent(folder))
        return cls({_name_of(folder): _read(folder) for folder in found})

    def find(self, name: str) -> AgentDefinition:
        """Return the agent of this name.

        Raises `NotFound` that says which there are.
        """
        if name in self._agents:
            return self._agents[name]
        near = get_close_matches(name, self._agents, 1)
        instead = (
            f"did you mean {near[0]!r}?"
            if near
            else f"there are {', '.join(self._agents) or 'none'}"
        )
        raise NotFound(
            f"there is no agent {name!r}: {instead}", details={"agents": list(self._agents)}
        )

    def default(self, preferred: str = "") -> str | None:
        """Return the name of the agent that is meant when nobody names one; None without agents.

        Raises `StartupError` when there is no agent called `preferred`.
        """
        if preferred and preferred not in self._agents:
            raise StartupError(f"AGENTS__DEFAULT={preferred}: there is no such agent: {list(self)}")
        return preferred or next(iter(self._agents), None)

    def __getitem__(self, name: str) -> AgentDefinition:
        return self._agents[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._agents)

    def __len__(self) -> int:
        return len(self._agents)


def _may_be_agent(folder: Path) -> bool:
    if not folder.is_dir() or folder.name.startswith((".", "_")):
        return False
    return any(folder.rglob("*.py"))  # a folder that git left behind holds only __pycache__


def _name_of(folder: Path) -> str:
    name = folder.name.replace("_", "-")
    _check_name(name, f"the folder {folder}")
    return name


def _check_name(name: str, what: str) -> None:
    if name in RESERVED:
        raise StartupError(f"{what} would be served as {name!r}, which is a route: rename it")
    if not _NAME.fullmatch(name) or len(name) > _NAME_LENGTH:
        raise StartupError(
            f"{what} cannot be served as {name!r}: expected lower-case words, like order_desk "
            f"for a folder and order-desk for a name, {_NAME_LENGTH} characters at most"
        )


def _read(folder: Path) -> AgentDefinition:
    init = folder / "__init__.py"
    if not init.is_file():
        raise StartupError(
            f"{folder} has no __init__.py: add {init} with "
            f"`definition = AgentDefinition(agent=…)`, or move the folder out of agents/"
        )
    definition = getattr(import_module(f"{__package__}.{folder.name}"), "definition", None)
    if not isinstance(definition, AgentDefinition):
        raise StartupError(
            f"{init} exports no `definition`: add `definition = AgentDefinition(agent=…)`"
        )
    if not issubclass(definition.request_model, AgentRequest):
        raise StartupError(
            f"{init}: request_model must derive from AgentRequest, so that it has `message`"
        )
    return definition
