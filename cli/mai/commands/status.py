"""`mai status`: what a project is made of, and what became of its files."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .app import HELP_OPTIONS
from .options import AsJson

if TYPE_CHECKING:
    from ..console.documents import Status
    from ..plugins.loader import Catalog
    from ..river.opening import Opened

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Tell what a project is made of, and which of its files you edited.

    A project that plain `copier copy` made is adopted first: it gets a manifest, a lock and a base.
    """
    from ..console import report
    from ..plugins import loader
    from ..project.reader import find_root, is_plain_copy
    from ..river.opening import open_project

    root = find_root(Path.cwd())
    is_adopted = is_plain_copy(root)
    catalog = loader.load_catalog()
    with report.plugin_problems(catalog):
        opened = open_project(root, catalog)
    if is_adopted:
        report.line(f"Adopted {root.name}: plain Copier made it, .mai/ now holds its manifest")
    document = _document(opened, catalog)
    if as_json:
        report.document(document)
    else:
        report.status(document)


def _document(opened: "Opened", catalog: "Catalog") -> "Status":
    from ..apply import pending
    from ..console.documents import Status
    from ..merge.edits import edited
    from ..project.reader import read_yours
    from ..river.checks import of_instances

    base = opened.base
    yours = read_yours(opened.root, base.tree)
    waiting = pending.read(opened.root)
    return Status(
        project={"path": str(opened.root), **opened.manifest.project},
        mai_version=base.lock.mai_version,
        installed_version=catalog.core.version,
        instances=opened.manifest.instances,
        plugins=[*of_instances(base.lock, catalog)],
        files=len(base.tree),
        edited=edited(base.tree, yours),
        missing=sorted(path for path in base.tree if path not in yours),
        conflicts=waiting.paths if waiting else (),
        manifest_edited=opened.manifest != base.manifest,
    )
