"""How this mai is installed, and which command installs a plugin beside it.

Nothing is run here: a command is a value, which is shown before `programs` runs it.
"""

import json
import os
import shlex
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path
from sysconfig import get_path
from typing import Any, Protocol

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..errors import Refused, UsageError
from . import receipt
from .installed import OWN_DISTRIBUTION

_PIPX = "pipx_metadata.json"


@dataclass(frozen=True)
class Command:
    """A program with its arguments; `uv` and `pipx` stand for wherever these lie."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def typed(self) -> str:
        """As one would type it."""
        return shlex.join(self.argv)


@dataclass(frozen=True)
class Wanted:
    """A plugin as an installer takes it."""

    source: str
    """`mai-sundial>=1`, an absolute path, or a URL."""
    name: str = ""
    """Its distribution, normalised; empty while it is not known."""
    editable: bool = False
    upgrade: bool = False

    @property
    def path(self) -> Path | None:
        path = Path(self.source)
        return path if path.is_absolute() else None


def wanted(typed: str, *, editable: bool = False, upgrade: bool = False) -> Wanted:
    """What was typed: a name with or without versions, a path, a wheel, a URL.

    A path has a slash in it, or ends as a distribution's file does. Raises `UsageError`.
    """
    if "://" not in typed and _is_path(typed):
        path = Path(typed).expanduser().resolve()
        if not path.exists():
            raise UsageError(f"there is no {typed!r}", "name a folder, a wheel or a package")
        return Wanted(str(path), editable=editable, upgrade=upgrade)
    if editable:
        raise UsageError(f"--editable {typed!r}: expected a folder", "such as ./my-plugin")
    if "://" not in typed.partition("@")[0]:
        _check_requirement(typed)
    return Wanted(typed, upgrade=upgrade)


def _is_path(typed: str) -> bool:
    return typed.startswith((".", "~")) or len(Path(typed).parts) > 1 or typed.endswith(_FILES)


_FILES = (".whl", ".tar.gz")


def _check_requirement(typed: str) -> None:
    try:
        Requirement(typed)
    except InvalidRequirement as error:
        told = str(error).splitlines()[0]
        raise UsageError(f"{typed!r}: {told}", "such as mai-sundial, or mai-sundial>=1") from error


class Home(Protocol):
    """The environment that mai lives in, by what manages it."""

    @property
    def told(self) -> str:
        """What it is and where, for people."""

    def install(self, plugin: Wanted) -> Command:
        """Installs `plugin` beside mai, and leaves every other one there."""

    def uninstall(self, name: str) -> tuple[Command, ...]:
        """Remove a plugin; raises `Refused` when what manages it does not know it by itself."""

    def unpack(self, source: str, folder: Path) -> Command:
        """Unpacks the wheel of `source`, and nothing else, into `folder`; no code of it runs."""


@dataclass(frozen=True)
class UvTool:
    """Made by `uv tool install`, which forgets whatever it is not told again."""

    prefix: Path

    @property
    def told(self) -> str:
        return f"a uv tool, in {self.prefix}"

    @cached_property
    def _receipt(self) -> receipt.Receipt:
        return receipt.read_receipt(self.prefix)

    def install(self, plugin: Wanted) -> Command:
        flag = "--with-editable" if plugin.editable else "--with"
        upgrade = _upgrade(plugin, by_uv=True)
        return self._installed(plugin.name, flag, plugin.source, *upgrade)

    def uninstall(self, name: str) -> tuple[Command, ...]:
        if name not in self._receipt.names:
            raise Refused(f"{name} came along with another package", "uninstall that one")
        return (self._installed(name),)

    def unpack(self, source: str, folder: Path) -> Command:
        return _unpacked_by_uv(source, folder)

    def _installed(self, without: str, *more: str) -> Command:
        again = self._receipt.arguments(without=without)
        # Where this tool lies, whatever the environment says now.
        places = {
            "UV_TOOL_DIR": str(self.prefix.parent),
            "UV_TOOL_BIN_DIR": str(self._receipt.scripts),
        }
        return Command(("uv", "tool", "install", *again, *more), places)


@dataclass(frozen=True)
class Pipx:
    """Made by `pipx install`."""

    prefix: Path

    @property
    def told(self) -> str:
        return f"a pipx environment, in {self.prefix}"

    def install(self, plugin: Wanted) -> Command:
        editable = ("--editable",) if plugin.editable else ()
        if plugin.name not in self._stated["injected_packages"]:
            return self._command("inject", self.prefix.name, *editable, plugin.source)
        # `inject` leaves it as it is; with --force it installs all anew that it needs, mai too.
        upgrade = _upgrade(plugin, by_uv=self._stated.get("backend") == "uv")
        return self._command(
            "runpip", self.prefix.name, "install", *upgrade, *editable, plugin.source
        )

    def uninstall(self, name: str) -> tuple[Command, ...]:
        if name not in self._stated["injected_packages"]:
            raise Refused(f"{name} came along with another package", "uninstall that one")
        return (self._command("uninject", self.prefix.name, name),)

    def unpack(self, source: str, folder: Path) -> Command:
        return _unpacked(source, folder)

    @cached_property
    def _stated(self) -> dict[str, Any]:
        stated: dict[str, Any] = json.loads((self.prefix / _PIPX).read_text(encoding="utf-8"))
        return stated

    def _command(self, *arguments: str) -> Command:
        return Command(("pipx", *arguments), {"PIPX_HOME": str(self.prefix.parents[1])})


@dataclass(frozen=True)
class UvProject:
    """The `.venv` of a project with a `uv.lock`: what it does not list, the next `uv sync` takes
    away."""

    root: Path

    @property
    def told(self) -> str:
        return f"the environment of the project {self.root}"

    def install(self, plugin: Wanted) -> Command:
        groups = (self._group_of(plugin.name), self._group_of(OWN_DISTRIBUTION))
        group = next((group for group in groups if group is not None), ("--dev",))
        editable = ("--editable",) if plugin.editable else ()
        upgrade = _upgrade(plugin, by_uv=True)
        return self._command("add", *group, *editable, *upgrade, plugin.source)

    def uninstall(self, name: str) -> tuple[Command, ...]:
        group = self._group_of(name)
        if group is None:
            listing = self.root / "pyproject.toml"
            raise Refused(f"{listing} does not list {name}", f"uv tree --invert --package {name}")
        # By itself it would sync the default groups only, and mai may be of another.
        listed = self._command("remove", "--no-sync", *group, name)
        return (listed, Command(("uv", "pip", "uninstall", "--python", sys.executable, name)))

    def unpack(self, source: str, folder: Path) -> Command:
        return _unpacked_by_uv(source, folder)

    def _group_of(self, name: str) -> tuple[str, ...] | None:
        """The options that name the list in which a distribution stands."""
        stated = tomllib.loads((self.root / "pyproject.toml").read_text(encoding="utf-8"))
        project = stated.get("project", {})
        lists: dict[tuple[str, ...], Iterable[Any]] = {(): project.get("dependencies", ())}
        extras = project.get("optional-dependencies", {})
        groups = stated.get("dependency-groups", {})
        lists |= {("--optional", extra): listed for extra, listed in extras.items()}
        lists |= {("--group", group): listed for group, listed in groups.items()}
        return next((group for group, listed in lists.items() if name in _names(listed)), None)

    def _command(self, verb: str, *arguments: str) -> Command:
        return Command(("uv", verb, "--project", str(self.root), *arguments))


def _names(listed: Iterable[Any]) -> set[str]:
    """The distributions of a list of requirements; `{ include-group = … }` is none."""
    return {canonicalize_name(Requirement(one).name) for one in listed if isinstance(one, str)}


@dataclass(frozen=True)
class Environment:
    """Any other: a virtual environment, or a Python of one's own."""

    prefix: Path

    @property
    def told(self) -> str:
        return f"the Python environment {self.prefix}"

    def install(self, plugin: Wanted) -> Command:
        editable = ("--editable",) if plugin.editable else ()
        upgrade = _upgrade(plugin, by_uv=not _has_pip())
        return Command((*_pip("install"), *upgrade, *editable, plugin.source))

    def uninstall(self, name: str) -> tuple[Command, ...]:
        unasked = ("--yes",) if _has_pip() else ()
        return (Command((*_pip("uninstall"), *unasked, name)),)

    def unpack(self, source: str, folder: Path) -> Command:
        return _unpacked(source, folder)


def _has_pip() -> bool:
    return find_spec("pip") is not None


def _pip(verb: str) -> tuple[str, ...]:
    """The environment's own pip; uv's where it has none."""
    if _has_pip():
        return (sys.executable, "-m", "pip", verb, "--disable-pip-version-check")
    return ("uv", "pip", verb, "--python", sys.executable)


def _upgrade(plugin: Wanted, *, by_uv: bool) -> tuple[str, ...]:
    """Brings the plugin to its newest version, and leaves mai and all else as it is."""
    if not plugin.upgrade:
        return ()
    return ("--upgrade-package", plugin.name) if by_uv else ("--upgrade",)


def _unpacked(source: str, folder: Path) -> Command:
    if not _has_pip():
        return _unpacked_by_uv(source, folder)
    only_unpack = ("--no-deps", "--only-binary", ":all:", "--no-compile", "--target", str(folder))
    return Command((*_pip("install"), *only_unpack, source))


def _unpacked_by_uv(source: str, folder: Path) -> Command:
    only_unpack = ("--no-deps", "--no-build", "--target", str(folder))
    return Command(("uv", "pip", "install", "--python", sys.executable, *only_unpack, source))


def find_home(prefix: Path | None = None) -> Home:
    """The environment of this process; raises `Refused` with what to type where nothing can be
    installed into it."""
    prefix = prefix or Path(sys.prefix)
    if (prefix / receipt.NAME).is_file():
        return UvTool(prefix)
    if (prefix / _PIPX).is_file():
        return Pipx(prefix)
    if any((folder / "CACHEDIR.TAG").is_file() for folder in prefix.parents):
        raise Refused(
            f"this mai lies in a cache, {prefix}, and is gone the next time", _WITH_PLUGIN
        )
    root = prefix.parent
    is_its_own = prefix == root / os.environ.get("UV_PROJECT_ENVIRONMENT", ".venv")
    if is_its_own and (root / "uv.lock").is_file():
        return UvProject(root)
    _refuse_managed(prefix)
    return Environment(prefix)


_WITH_PLUGIN = f"uv tool install {OWN_DISTRIBUTION} --with PLUGIN"


def _refuse_managed(prefix: Path) -> None:
    is_virtual = (prefix / "pyvenv.cfg").is_file()
    if not is_virtual and (Path(get_path("stdlib")) / "EXTERNALLY-MANAGED").is_file():
        raise Refused(f"the packages of {prefix} belong to the system", _WITH_PLUGIN)
    packages = Path(str(distribution(OWN_DISTRIBUTION).locate_file("")))
    if not os.access(packages, os.W_OK):
        raise Refused(
            f"{packages} is not writable for you",
            f"a mai of your own: {_WITH_PLUGIN}; or let who may: mai plugin install PLUGIN",
        )
