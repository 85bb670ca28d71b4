"""The installed plugins, as the commands of this group tell of them."""

from ...console.documents import Plugin
from ...plugins.installed import Installed
from ...plugins.loader import Catalog


def told_plugins(catalog: Catalog) -> list[Plugin]:
    """Each installed plugin with what it brings, and why it or a part of it is skipped."""
    return [told_plugin(found, catalog) for found in catalog.installed]


def told_plugin(found: Installed, catalog: Catalog) -> Plugin:
    problems = [one.reason for one in catalog.problems_of(found)]
    return Plugin(
        distribution=found.normalised,
        version=found.version,
        source=found.source,
        components=catalog.offered_by(found),
        state="skipped" if problems else "ok",
        problems=problems,
    )
