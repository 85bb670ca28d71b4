"""What a plugin offers: components, read from their folders.

A component is a folder with three things in it:

    component.toml   what it is and what it adds to shared files (`Component`)
    copier.yml       its questions, in Copier's format; may be empty or absent
    template/        its files, rendered into the project
"""

import importlib
import tomllib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from ..errors import REPORT, BrokenComponent
from .faults import line_in_toml, line_of_broken_toml
from .questions import Question, read_questions

Kind = Literal["agent", "tool", "memory", "auth", "feature"]
KINDS: tuple[Kind, ...] = ("agent", "tool", "memory", "auth", "feature")

API = 1
"""The version of the interface between mai and plugins, which this mai speaks."""
OLDEST_API = 1
"""The oldest version that it still understands: a version is understood through two majors."""


def _known_api(api: int) -> int:
    if OLDEST_API <= api <= API:
        return api
    mend = "update mai: uv tool upgrade mai-framework" if api > API else "update its plugin"
    raise PydanticCustomError(
        "api",
        "it is for plugin API {api}, this mai knows {oldest} to {newest}",
        {"api": api, "oldest": OLDEST_API, "newest": API, "mend": mend},
    )


def _pep_508(requirement: str) -> str:
    try:
        Requirement(requirement)
    except InvalidRequirement as error:
        raise PydanticCustomError(
            "requirement", "'{given}' is not of PEP 508", {"given": requirement}
        ) from error
    return requirement


def _pep_440(version: str) -> str:
    try:
        Version(version)
    except InvalidVersion as error:
        raise PydanticCustomError(
            "version", "'{given}' is not of PEP 440", {"given": version}
        ) from error
    return version


ComponentId = Annotated[
    str, StringConstraints(pattern=rf"^({'|'.join(KINDS)})/[a-z][a-z0-9_]*$", strict=True)
]
Dependency = Annotated[str, AfterValidator(_pep_508)]
Release = Annotated[str, AfterValidator(_pep_440)]
FragmentName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EnvVar(_Strict):
    """A variable that a component reads, as `.env.example` shows it."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")]
    """In upper case, with the component's prefix."""
    default: str = ""
    """What `.env.example` sets it to."""
    secret: bool = False
    """Whether nobody should see its value."""
    help: str
    """What it is for: the comment above it."""


class Compose(_Strict):
    """What a component adds to `compose.yaml`; a fragment is its file `compose.d/NAME.yaml`."""

    fragments: tuple[FragmentName, ...] = ()
    """Names of files in `compose.d/` that are included."""
    environment: dict[str, str] = {}
    """Variables of the app's service."""
    depends_on: dict[str, Literal["service_started", "service_healthy"]] = {}
    """Services for which the app waits, and until what."""


class Contribution(_Strict):
    """What a component adds to the files that all share."""

    dependencies: tuple[Dependency, ...] = ()
    """PEP 508 requirements for the project's pyproject.toml."""
    env: tuple[EnvVar, ...] = ()
    """Variables for `.env.example`."""
    compose: Compose = Compose()
    """What is added to `compose.yaml`."""
    notes: str = ""
    """Markdown for the project's README: what to set or run after it was added."""


class FilePolicies(_Strict):
    """Globs of paths in the project: `once` is written, then the user's; `keep` stays on remove."""

    once: tuple[str, ...] = ()
    """Written when the component is added, and the user's from then on."""
    keep: tuple[str, ...] = ()
    """Left where they are when the component is removed, such as migrations."""


class Component(_Strict):
    """One thing that can be added to a project, as its `component.toml` states it."""

    api: Annotated[int, AfterValidator(_known_api)]
    """The version of the interface between mai and plugins that it was written for."""
    id: ComponentId
    """`tool/web_fetch`: its kind and its own name."""
    kind: Kind
    """`agent`, `tool`, `memory`, `auth` or `feature`."""
    title: str
    """A heading: `Web fetch`."""
    summary: str
    """One sentence, as `mai list` shows it."""
    multi: bool = False
    """Whether a project may hold several, each with a name."""
    requires: tuple[ComponentId, ...] = ()
    """Components without which it cannot be in a project."""
    conflicts: tuple[ComponentId, ...] = ()
    """Components beside which it cannot be in a project."""
    provides: tuple[ComponentId, ...] = ()
    """Components in whose place it is enough for what requires them."""
    dependencies: tuple[Dependency, ...] = ()
    """PEP 508 requirements for the project's pyproject.toml."""
    env: tuple[EnvVar, ...] = ()
    """Variables for `.env.example`."""
    compose: Compose = Compose()
    """What it adds to `compose.yaml`."""
    files: FilePolicies = FilePolicies()
    """Which of its files are not merged on every change."""
    notes: str = ""
    """Markdown for the project's README: what to set or run after it was added."""
    updates: dict[Release, str] = {}
    """Version of its plugin -> what somebody has to know who updates to it."""
    root: Path = Field(exclude=True)

    @property
    def name(self) -> str:
        """`web_fetch` of `tool/web_fetch`."""
        return self.id.partition("/")[2]

    @property
    def template(self) -> Path:
        return self.root / "template"

    @property
    def sources(self) -> tuple[Path, ...]:
        """What has another time of change when the component, or one beside it, is another."""
        return self.root / "component.toml", self.root.parent

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """Its questions; raises `BrokenComponent` when mai does not know one of their keys."""
        return read_questions(self.root / "copier.yml")

    @classmethod
    def load(cls, root: Path) -> "Component":
        """The component whose folder is `root`; raises `BrokenComponent` naming file and fault."""
        path = root / "component.toml"
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise BrokenComponent(path, f"cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise BrokenComponent(path, f"is not UTF-8: {error}") from error
        component = cls._stated(root, path, text)
        if not component.id.startswith(f"{component.kind}/"):
            told = f"id {component.id!r} is not of kind {component.kind!r}"
            raise BrokenComponent(path, told, line=line_in_toml(text, ["id"]))
        if not component.template.is_dir():
            raise BrokenComponent(path, "there is no folder 'template' beside it")
        return component

    @classmethod
    def _stated(cls, root: Path, path: Path, text: str) -> "Component":
        try:
            return cls.model_validate({**tomllib.loads(text), "root": root})
        except tomllib.TOMLDecodeError as error:
            broken_at = line_of_broken_toml(text, error)
            raise BrokenComponent(path, f"is not TOML: {error}", line=broken_at) from error
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            mend = first.get("ctx", {}).get("mend", REPORT)
            line = line_in_toml(text, first["loc"])
            raise BrokenComponent(path, f"{field}: {first['msg']}", mend, line=line) from error

    @classmethod
    def load_all(cls, package: str) -> list["Component"]:
        """Every component in the folder of `package`, by name: what `mai_components` returns."""
        return [cls.load(root) for root in _component_folders(package)]


def _component_folders(package: str) -> Iterator[Path]:
    for location in importlib.import_module(package).__path__:
        yield from sorted(p.parent for p in Path(location).glob("*/component.toml"))
