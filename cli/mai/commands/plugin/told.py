"""The installed plugins, as the commands of this group tell of them."""

from importlib.metadata import Distribution

from packaging.utils import canonicalize_name

from ...console.documents import Plugin
from ...plugins.installed import installed, installed_plugin, source_of
from ...plugins.loader import Catalog


def told_plugins(catalog: Catalog) -> list[Plugin]:
    """Each installed plugin with what it brings, and why it or a part of it is skipped."""
    return [_told(found, catalog) for found in installed().values()]


def told_plugin(name: str, catalog: Catalog) -> Plugin:
    """The one of that name; raises `UnknownName`."""
    return _told(installed_plugin(name), catalog)


def _told(found: Distribution, catalog: Catalog) -> Plugin:
    components = [key for key, one in catalog.providers.items() if one.distribution == found.name]
    problems = [one.reason for one in catalog.problems if one.distribution == found.name]
    return Plugin(
        distribution=canonicalize_name(found.name),
        version=found.version,
        source=source_of(found),
        components=sorted(components),
        state="skipped" if problems else "ok",
        problems=problems,
    )
