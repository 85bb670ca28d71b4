"""Which distributions are plugins: asked of their metadata, no plugin is imported."""

import json
from contextlib import suppress
from importlib.metadata import Distribution, distributions

from packaging.utils import canonicalize_name

from ..errors import UnknownName
from .loader import GROUP, OWN_DISTRIBUTION


def installed() -> dict[str, Distribution]:
    """Each plugin by its normalised name, mai's own first."""
    found: dict[str, Distribution] = {}
    for one in distributions():
        with suppress(Exception):  # broken metadata, of which the loader tells
            if one.version and one.entry_points.select(group=GROUP):
                # What comes first on the path hides what comes after, as for an import.
                found.setdefault(canonicalize_name(one.name), one)
    return dict(sorted(found.items(), key=lambda item: (item[0] != OWN_DISTRIBUTION, item[0])))


def installed_plugin(name: str) -> Distribution:
    """The plugin of that name; raises `UnknownName`."""
    found = installed()
    try:
        return found[canonicalize_name(name)]
    except KeyError:
        raise UnknownName("plugin", name, found) from None


def source_of(found: Distribution) -> str:
    """Where a distribution came from: `index`, or the path or URL that it was installed from."""
    text = found.read_text("direct_url.json")
    if text is None:
        return "index"
    stated = json.loads(text)
    if told := stated.get("vcs_info"):
        revision = told.get("requested_revision") or told["commit_id"]
        return f"{told['vcs']}+{stated['url']}@{revision}"
    is_editable = stated.get("dir_info", {}).get("editable", False)
    return f"{stated['url']}, editable" if is_editable else str(stated["url"])
