"""PEP 508 requirements as text: which distribution one is for, and three of them as one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .lists import Path, Verdicts

_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[(?P<extras>[^]]*)\])?"
    r"\s*(?P<version>.*?)\s*(?:;\s*(?P<marker>.*))?$",
    re.DOTALL,
)


@dataclass(frozen=True)
class Requirement:
    name: str
    extras: tuple[str, ...]
    version: str
    """Specifiers or `@ URL`, as written."""
    marker: str

    @property
    def key(self) -> Path:
        """The same for requirements of one distribution under one marker (PEP 503 names)."""
        marker = re.sub(r"\s+", "", self.marker).replace('"', "'")
        return (re.sub(r"[-_.]+", "-", self.name).lower(), marker)

    def __str__(self) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        marker = f" ; {self.marker}" if self.version.startswith("@") else f"; {self.marker}"
        space = " " if self.version.startswith("@") else ""
        return self.name + extras + space + self.version + (marker if self.marker else "")


def is_requirements(path: Path) -> bool:
    """Whether the array at `path` of a pyproject.toml holds requirements."""
    return (
        path in {("project", "dependencies"), ("build-system", "requires")}
        or path[:2] == ("project", "optional-dependencies")
        or path[:1] == ("dependency-groups",)
        or (path[:2] == ("tool", "uv") and path[-1].endswith("dependencies"))
    )


def parse(text: str) -> Requirement | None:
    """The requirement, or None when `text` is none."""
    found = _REQUIREMENT.match(text)
    if found is None:
        return None
    extras = tuple(e.strip() for e in (found["extras"] or "").split(",") if e.strip())
    return Requirement(found["name"], extras, found["version"], (found["marker"] or "").strip())


def merged_requirement(
    where: str, base: Requirement | None, yours: Requirement, new: Requirement, verdicts: Verdicts
) -> Requirement:
    """Yours with the extras that came and without those that went; one version of the two."""
    return replace(
        yours,
        extras=_extras(base.extras if base else (), yours.extras, new.extras),
        version=_version(where, base, yours, new, verdicts),
    )


def _version(
    where: str, base: Requirement | None, yours: Requirement, new: Requirement, verdicts: Verdicts
) -> str:
    was, mine, wanted = (
        re.sub(r"\s+", "", side.version) if side else None for side in (base, yours, new)
    )
    if wanted in (was, mine):
        return yours.version
    if mine == was:
        return new.version
    return yours.version if verdicts.keeps(where, str(yours), str(new)) else new.version


def _extras(base: Sequence[str], yours: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    gone = set(base) - set(new)
    came = [extra for extra in new if extra not in {*base, *yours}]
    merged = [*(extra for extra in yours if extra not in gone), *came]
    return tuple(sorted(merged) if list(yours) == sorted(yours) else merged)
