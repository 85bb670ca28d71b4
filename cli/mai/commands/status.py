"""`mai status`: what a project is made of, and what became of its files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .app import HELP_OPTIONS

if TYPE_CHECKING:
    from ..project.reader import Project

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Tell what a project is made of, and which of its files you edited.

    A project that plain `copier copy` made is adopted first: it gets a manifest, a lock and a base.
    """
    from ..console import report
    from ..project.reader import find_root, is_plain_copy, read_project

    root = find_root(Path.cwd())
    if is_plain_copy(root):
        _adopt(root)
        report.line(f"Adopted {root.name}: plain Copier made it, .mai/ now holds its manifest")
    project = read_project(root)
    document = _document(project)
    if as_json:
        report.document(document)
    else:
        report.status(document)


def _adopt(root: Path) -> None:
    """Takes the tree that this version renders for the recorded answers as the base."""
    from ..apply.state import adopt
    from ..plan.answers import complete
    from ..plugins.loader import load_catalog
    from ..project.manifest import Manifest
    from ..project.pristine import state_files
    from ..project.reader import read_copier_answers
    from ..render.engine import render

    catalog = load_catalog()
    manifest = Manifest(complete(catalog.core.questions, read_copier_answers(root), {}))
    adopt(root, state_files(manifest, render(manifest, catalog)))


def _document(project: "Project") -> dict[str, Any]:
    from ..project.reader import read_file

    edited, missing = [], []
    for path, locked in project.lock.files.items():
        file = read_file(project.root, path)
        if file is None:
            missing.append(path)
        elif file.blob_sha != locked.sha:
            edited.append(path)
    return {
        "command": "status",
        "status": "done",
        "project": {"path": str(project.root), **project.manifest.project},
        "mai_version": project.lock.mai_version,
        "instances": [instance.to_json() for instance in project.manifest.instances],
        "files": len(project.lock.files),
        "edited": edited,
        "missing": missing,
    }
