"""`mai list`: what can be added, and where it comes from."""

from typing import Annotated

import typer

from .app import HELP_OPTIONS
from .completion import kinds, remember
from .options import AsJson

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command("list")
def list_components(
    kind: Annotated[
        str | None,
        typer.Argument(
            help="agent, tool, memory, auth or feature; by default all.", autocompletion=kinds
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the components that can be added."""
    from ..console import report
    from ..console.documents import Listed, offered
    from ..errors import UnknownName
    from ..plugins import loader
    from ..plugins.component import KINDS

    if kind is not None and kind not in KINDS:
        raise UnknownName("kind", kind, KINDS)
    catalog = loader.load_catalog()
    summaries = {id_: component.summary for id_, component in catalog.components.items()}
    remember(summaries, catalog.sources)
    with report.plugin_problems(catalog):
        found = offered(catalog, kind)
    if as_json:
        report.document(Listed(components=found))
    else:
        report.components(found)
