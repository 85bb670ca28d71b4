"""What somebody has to know who updates: the notes of the versions between, for what is in use."""

from collections.abc import Iterator, Mapping

from packaging.version import Version

from ..plugins.loader import Catalog
from ..project.lock import Lock


def notes_between(lock: Lock, catalog: Catalog) -> tuple[str, ...]:
    """The notes from the locked versions to the installed ones, oldest first, the core's before
    those of the components in use; each once."""
    told = [*_between(catalog.core.updates, lock.mai_version, catalog.core.version, "mai")]
    seen = set()
    for locked in lock.instances.values():
        component = catalog.components.get(locked.component)
        if component is None or component.id in seen:
            continue
        seen.add(component.id)
        to_version = catalog.providers[component.id].version
        told += _between(component.updates, locked.version, to_version, component.id)
    return tuple(told)


def _between(
    updates: Mapping[str, str], from_version: str, to_version: str, name: str
) -> Iterator[str]:
    for version in sorted(updates, key=Version):
        if Version(from_version) < Version(version) <= Version(to_version):
            yield f"{name} {version}: {updates[version].strip()}"
