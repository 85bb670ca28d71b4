"""Rooms: the sub-packages of this project, each of which exports `module = AppModule(...)`.

A room is found by being there and is gone when its folder is. Importing one is cheap: its
parts are named as `".routes:router"` (relative to the room) and loaded when they are needed, so
that `--help` imports no web framework and no database.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

from .errors import StartupError

if TYPE_CHECKING:
    import typer
    from fastapi import APIRouter
    from pydantic_settings import BaseSettings

    from .db import Database
    from .health import HealthReport
    from .services import Services

T = TypeVar("T")

Part: TypeAlias = T | str
"""Something that a room offers, or where it is: `".routes:router"`, relative to the room."""

Health: TypeAlias = "Callable[[Services], Awaitable[HealthReport]]"
Init: TypeAlias = "Callable[[Database], Awaitable[Mapping[str, str]]]"
Lifespan: TypeAlias = "Callable[[Services], AbstractAsyncContextManager[None]]"
Router: TypeAlias = "APIRouter | Callable[[Services], APIRouter]"


@dataclass(frozen=True, kw_only=True)
class AppModule:
    """What one room gives to the whole service; everything but the name may be left out.

    - `router`: its routes, or a function of `Services` that builds them, served below `prefix`.
    - `cli`: a `typer.Typer`; with a name it is a group of commands, without one its commands
      stand at the top level. It is loaded for every `--help`, so its module imports only typer
      at the top.
    - `health`: asked by `GET /health`, under a time limit.
    - `lifespan`: opens what the room needs before the first request and closes it after the
      last; it `provide`s its values to `Services`.
    - `init`: makes, at `init`, what the room needs before it is first served, unless it is there;
      returns variables for `.env`, each of which is told this once.
    - `settings`: the settings class, loaded at start and kept in `Services`.
    - `after`: rooms whose lifespan opens earlier, when they are there.
    - `has_rooms`: its sub-folders are rooms, too, which open after it.
    - `package`: filled in by `discover`.
    """

    name: str
    router: "Part[Router] | None" = None
    cli: "Part[typer.Typer] | None" = None
    health: "Part[Health] | None" = None
    init: "Part[Init] | None" = None
    lifespan: "Part[Lifespan] | None" = None
    settings: "Part[type[BaseSettings]] | None" = None
    after: tuple[str, ...] = ()
    has_rooms: bool = False
    prefix: str = "/api/v1"
    package: str = ""

    def load(self, part: Part[T]) -> T:
        """The part itself, imported when only its place was given."""
        if not isinstance(part, str):
            return part
        place, _, attribute = part.partition(":")
        return cast(T, getattr(import_module(place, self.package), attribute))


@cache
def discover(package: str) -> tuple[AppModule, ...]:
    """The rooms of `package`, each behind those that it names in `after`.

    Raises `StartupError` for a folder that is no room, naming the file to mend, and for two folders
    of one name.
    """
    modules: dict[str, AppModule] = {}
    for module in _read_rooms(package):
        other = modules.setdefault(module.name, module)
        if other is not module:
            raise StartupError(
                f"{_folder(other)} and {_folder(module)} are both the room {module.name!r}: rename "
                f"one of them, and the name in its `module`"
            )
    graph = {name: modules.keys() & module.after for name, module in modules.items()}
    return tuple(modules[name] for name in TopologicalSorter(graph).static_order())


def _read_rooms(package: str) -> Iterator[AppModule]:
    for folder in code_folders(package):
        if folder.name == "migrations":
            continue
        module = _read_room(package, folder)
        yield module
        if module.has_rooms:
            for inner in _read_rooms(module.package):
                yield replace(inner, after=(*inner.after, module.name))


def code_folders(package: str) -> list[Path]:
    """The sub-folders of a package that hold Python: those that git left behind do not."""
    folders = (path for root in import_module(package).__path__ for path in Path(root).iterdir())
    named = (folder for folder in folders if not folder.name.startswith((".", "_")))
    return sorted(folder for folder in named if any(folder.rglob("*.py")))


def _folder(module: AppModule) -> str:
    return import_module(module.package).__path__[0]


def _read_room(package: str, folder: Path) -> AppModule:
    init = folder / "__init__.py"
    if not init.is_file():
        raise StartupError(
            f"{init} is missing: add it, with `module = AppModule(name={folder.name!r}, …)`, or "
            f"move the folder out"
        )
    room = import_module(f"{package}.{folder.name}")
    module = getattr(room, "module", None)
    if not isinstance(module, AppModule) or module.name != folder.name:
        raise StartupError(f"{init} lacks `module = AppModule(name={folder.name!r}, …)`: add it")
    return replace(module, package=room.__name__)
