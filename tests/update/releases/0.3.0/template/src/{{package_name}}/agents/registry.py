"""The agents of this service by name, found because their folders stand here."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Self

from ..core.errors import NotFound, StartupError
from ..core.modules import code_folders
from .definition import AgentDefinition, AgentRequest

# `/agents/run/{name}` and its like are, or may become, routes: such an agent would hide them.
RESERVED = frozenset({"chat", "run", "runs", "session", "sessions", "stop", "stream"})

_NAME = re.compile(r"(?=.{1,64}$)[a-z][a-z0-9]*(-[a-z0-9]+)*")


class AgentRegistry(dict[str, AgentDefinition]):
    """Agents by name, in order; raises `StartupError` for a name that cannot be served."""

    def __init__(self, agents: Mapping[str, AgentDefinition]) -> None:
        super().__init__(sorted(agents.items()))
        for name, definition in self.items():
            if name in RESERVED:
                raise StartupError(f"an agent called {name!r} would hide a route: rename it")
            if not _NAME.fullmatch(name):
                raise StartupError(
                    f"an agent cannot be called {name!r}: expected lower-case words, such as "
                    f"order-desk, whose folder is order_desk"
                )
            definition.agent.name = definition.agent.name or name

    @classmethod
    def discover(cls) -> Self:
        """The agents of this folder; raises `StartupError` for a sub-folder that holds none."""
        folders = code_folders(__package__)
        return cls({folder.name.replace("_", "-"): _read(folder) for folder in folders})

    @cached_property
    def bodies(self) -> Mapping[str, type[AgentRequest]]:
        """The model of each agent's requests by its name."""
        return {name: definition.body_model(name) for name, definition in self.items()}

    def first(self) -> str:
        """The name of the agent that answers who names none; raises `NotFound` without any."""
        for name in self:
            return name
        raise NotFound("this service has no agent yet: make a folder for one in agents/")

    def find(self, name: str) -> AgentDefinition:
        """Return the agent of this name; raises `NotFound` that says which there are."""
        if name not in self:
            near = get_close_matches(name, self, 1) or list(self)
            raise NotFound(f"there is no agent {name!r}: is it one of {near}?")
        return self[name]


def _read(folder: Path) -> AgentDefinition:
    init = folder / "__init__.py"
    if init.is_file():
        agent = import_module(f"{__package__}.{folder.name}")
        if isinstance(definition := getattr(agent, "definition", None), AgentDefinition):
            return definition
    raise StartupError(f"{init} must say `definition = AgentDefinition(agent=…)`, or be elsewhere")
