"""What somebody has to know who updates: the notes of the versions between, for what is in use,
and what is not updated."""

from collections.abc import Iterator, Mapping

from packaging.version import Version

from ..plugins.loader import Catalog, PluginProblem, how_to_have
from ..project.lock import Lock


def leave_out_older(lock: Lock, catalog: Catalog) -> None:
    """Freezes what the project has from a newer version of a plugin than the installed one."""
    for locked in lock.instances.values():
        if locked.component not in catalog.components:
            continue
        provider = catalog.providers[locked.component]
        is_same = provider.distribution == locked.provider
        if is_same and Version(provider.version) < Version(locked.version):
            reason = f"{locked.component} is of {locked.version}, {provider.version} is installed"
            mend = how_to_have(locked.provider, locked.version)
            problem = PluginProblem(locked.provider, f"{reason}: {mend}", mend)
            catalog.leave_out(locked.component, problem)


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
        provider = catalog.providers[component.id]
        if provider.distribution != locked.provider:
            told.append(f"{component.id} is of {provider.distribution} now, not {locked.provider}")
            continue
        told += _between(component.updates, locked.version, provider.version, component.id)
    return tuple(told)


def _between(
    updates: Mapping[str, str], from_version: str, to_version: str, name: str
) -> Iterator[str]:
    for version in sorted(updates, key=Version):
        if Version(from_version) < Version(version) <= Version(to_version):
            yield f"{name} {version}: {updates[version].strip()}"
