"""`mai resolve`: the end of a command that left conflicts."""

from pathlib import Path

import typer

from .app import HELP_OPTIONS
from .options import AsJson, NoInstall

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command()
def resolve(as_json: AsJson = False, no_install: NoInstall = False) -> None:
    """Finish a command whose conflicts you have settled."""
    from ..apply import pending, undo_store
    from ..console import report
    from ..console.documents import Resolved
    from ..errors import Refused
    from ..project.reader import find_root
    from ..river import aftermath
    from ..river.flow import at_work

    root = find_root(Path.cwd())
    with at_work(root, resolving=True):
        found = pending.read(root)
        if found is None:
            report.done(Resolved(status="unchanged", notes=()), as_json=as_json)
            return
        if unsettled := found.unsettled(root):
            raise Refused(
                f"there are conflicts left in {', '.join(unsettled)}",
                "settle what stands between <<<<<<< and >>>>>>>, or go back with mai undo",
            )
        pending.settle(root)
        entry = undo_store.latest(root)
        notes = []
        if entry is not None:
            notes = aftermath.install(root, entry, skipped=no_install, quiet=as_json)
        report.done(Resolved(status="done", notes=notes), as_json=as_json)
