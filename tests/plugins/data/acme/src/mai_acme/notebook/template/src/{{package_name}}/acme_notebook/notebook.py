"""A notebook in a file: a line for each note, which says whose it is."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from ..auth.caller import Caller
from ..core.services import Services
from ..core.settings import RoomSettings


class NotebookSettings(RoomSettings):
    """Where the notebook is kept."""

    model_config = SettingsConfigDict(env_prefix="ACME_NOTEBOOK__")

    file: Path = Field(Path("data/notebook.jsonl"), description="Where the notebook lies.")


class Notebook:
    """Notes by caller."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def add(self, caller: Caller, note: str) -> None:
        """Keep a note of this caller."""
        await asyncio.to_thread(self._append, json.dumps([caller.id, note]))

    async def read(self, caller: Caller) -> list[str]:
        """The notes of this caller, oldest first."""
        lines = await asyncio.to_thread(self._lines)
        return [note for owner, note in map(json.loads, lines) if owner == caller.id]

    def _append(self, line: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def _lines(self) -> list[str]:
        return self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []


@asynccontextmanager
async def lifespan(services: Services) -> AsyncIterator[None]:
    """Provide the `Notebook`."""
    services.provide(Notebook, Notebook(services.get(NotebookSettings).file))
    yield
