"""Which distributions are plugins: asked of their metadata, no plugin is imported."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import Distribution, EntryPoint, distributions
from importlib.util import find_spec
from pathlib import Path

from packaging.utils import canonicalize_name

from .. import __version__

GROUP = "mai.plugins"
OWN_DISTRIBUTION = "mai-framework"


@dataclass(frozen=True)
class Installed:
    """A distribution that says that it is a plugin."""

    name: str
    """As its author spells it."""
    version: str
    points: tuple[EntryPoint, ...]
    distribution: Distribution

    @property
    def normalised(self) -> str:
        """Its name as an index compares it."""
        return canonicalize_name(self.name)

    @cached_property
    def source(self) -> str:
        """Where it came from: `index`, or the path or URL that it was installed from."""
        text = self.distribution.read_text("direct_url.json")
        if text is None:
            return "index"
        stated = json.loads(text)
        if told := stated.get("vcs_info"):
            revision = told.get("requested_revision") or told["commit_id"]
            return f"{told['vcs']}+{stated['url']}@{revision}"
        is_editable = stated.get("dir_info", {}).get("editable", False)
        return f"{stated['url']}, editable" if is_editable else str(stated["url"])

    @property
    def modules(self) -> Iterator[Path]:
        """The files of the modules that it names."""
        for point in self.points:
            top, *rest = point.module.split(".")
            spec = None
            with suppress(ImportError, ValueError):
                spec = find_spec(top)  # a package within would be imported
            for location in (spec and spec.submodule_search_locations) or ():
                path = Path(location, *rest)
                yield from (path.with_suffix(".py"), path / "__init__.py")


@dataclass(frozen=True)
class Unreadable:
    """A distribution that seems to be a plugin, and whose metadata cannot be read."""

    place: str
    reason: str


def installed() -> list[Installed | Unreadable]:
    """Each plugin, mai's own first; one whose metadata is broken spoils no other."""
    found: dict[str, Installed | Unreadable] = {}
    for distribution in distributions():
        try:
            one = _read(distribution)
        except Exception as error:  # noqa: BLE001 - a border: anything may lie there
            if _seems_a_plugin(distribution):
                place = str(distribution.locate_file(""))
                reason = f"its metadata cannot be read: {type(error).__name__}: {error}"
                found[place] = Unreadable(place, reason)
            continue
        if one:
            # What comes first on the path hides what comes after, as for an import.
            found.setdefault(one.normalised, one)
    ordered = sorted(found.items(), key=lambda item: (item[0] != OWN_DISTRIBUTION, item[0]))
    return [one for _, one in ordered]


def _read(distribution: Distribution) -> Installed | None:
    points = distribution.entry_points.select(group=GROUP)
    if not points:
        return None
    if not distribution.name:  # what the type says of it holds for sound metadata only
        raise ValueError("there is no name")
    is_own = canonicalize_name(distribution.name) == OWN_DISTRIBUTION
    version = __version__ if is_own else distribution.version
    by_name = sorted(points, key=lambda point: point.name)
    return Installed(distribution.name, version, tuple(by_name), distribution)


def _seems_a_plugin(distribution: Distribution) -> bool:
    with suppress(OSError, UnicodeDecodeError):
        return GROUP in (distribution.read_text("entry_points.txt") or "")
    return False
