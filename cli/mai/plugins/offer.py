"""What a plugin brings, read from its files: none of its code is run."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .. import __version__
from ..errors import BrokenComponent, Refused
from .component import Component
from .installed import GROUP, OWN_DISTRIBUTION


@dataclass(frozen=True)
class Offer:
    """A distribution that says that it is a plugin."""

    name: str
    """Its name, normalised."""
    version: str
    """Empty where it is worked out by a build."""
    requires: tuple[str, ...]
    components: tuple[Component, ...]
    problems: tuple[str, ...]
    """Why a component of it cannot be used."""


def unpacked(folder: Path) -> Offer:
    """The plugin whose wheel was unpacked into `folder`; raises `Refused` when it is none."""
    (found,) = distributions(path=[str(folder)])
    points = [point.name for point in found.entry_points if point.group == GROUP]
    paths = [PurePosixPath(file) for file in found.files or ()]
    roots = [folder / path.parent for path in paths if _is_component(path)]
    return _offer(found.metadata["Name"], found.version, found.requires or (), points, roots)


def of_source(folder: Path) -> Offer:
    """The plugin whose source lies in `folder`; raises `Refused` when it is none, or does not say
    so without being run."""
    try:
        stated = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise Refused(
            f"{folder} has no pyproject.toml with a table [project], which says what it is",
            "build a wheel of it, and install that",
        ) from error
    paths = (path.relative_to(folder) for path in sorted(folder.rglob("component.toml")))
    roots = [folder / path.parent for path in paths if _is_component(PurePosixPath(path))]
    points = stated.get("entry-points", {}).get(GROUP, {})
    version = str(stated.get("version", ""))
    return _offer(stated["name"], version, stated.get("dependencies", ()), points, roots)


def _is_component(path: PurePosixPath) -> bool:
    """Whether it is a plugin's own, not what lies in its template, its tests or its `.venv`."""
    others = {"template", "tests", "build", "dist"}
    is_hidden = any(part.startswith(".") for part in path.parts)
    return path.name == "component.toml" and not is_hidden and others.isdisjoint(path.parts)


def _offer(
    name: str, version: str, requires: Iterable[str], points: Iterable[Any], roots: Iterable[Path]
) -> Offer:
    if not list(points):
        raise Refused(
            f"{name} is no plugin of mai: it has no entry point in the group {GROUP!r}",
            "mai plugin list shows those that are installed",
        )
    requires = tuple(one for one in requires if "extra ==" not in one)
    _refuse_other_mai(name, requires)
    components, problems = [], []
    for root in roots:
        try:
            components.append(Component.load(root))
        except BrokenComponent as problem:
            problems.append(problem.message)
    return Offer(canonicalize_name(name), version, requires, tuple(components), tuple(problems))


def _refuse_other_mai(name: str, requires: Iterable[str]) -> None:
    """An installer would replace mai to please a plugin."""
    for one in map(Requirement, requires):
        is_own = canonicalize_name(one.name) == OWN_DISTRIBUTION
        if is_own and not one.specifier.contains(__version__, prereleases=True):
            raise Refused(
                f"{name} is for mai {one.specifier}, this is mai {__version__}",
                "update mai first, or ask for another version of the plugin",
            )
