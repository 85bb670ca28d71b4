"""The core of a generated project: what it asks, where its template lies, which version it is."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from .. import __version__
from .questions import Question, read_core_questions

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Core:
    """The part of a project that no component brings."""

    root: Path
    """The folder with `copier.yml` and `template/`."""
    version: str = __version__

    @property
    def template(self) -> Path:
        return self.root / "template"

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        return read_core_questions(self.root / "copier.yml")

    @cached_property
    def updates(self) -> Mapping[str, str]:
        """Version -> what somebody has to know who updates to it, in Markdown."""
        return tomllib.loads((_HERE / "core_updates.toml").read_text(encoding="utf-8"))


@cache
def core_root() -> Path:
    """The checkout, or its copy in the wheel."""
    package = _HERE.parent
    checkout = package.parents[1]
    if (checkout / "copier.yml").is_file() and (checkout / "template").is_dir():
        return checkout
    return package / "_bundle"


@cache
def core_questions() -> tuple[Question, ...]:
    return installed_core().questions


@cache
def installed_core() -> Core:
    return Core(core_root())
