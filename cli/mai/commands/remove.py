"""`mai remove`: a component out of the project, with everything that it brought."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .app import HELP_OPTIONS
from .options import AsJson, DryRun, NoInstall, Skip, Yes

if TYPE_CHECKING:
    from ..project.pristine import Pristine
    from ..project.tree import File
    from ..river.opening import Opened
    from ..river.planning import Wish

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)


@app.command()
def remove(
    kind: Annotated[str, typer.Argument(help="agent, tool, memory, auth or feature.")],
    name: Annotated[str, typer.Argument(help="What it is called in the project.")],
    ours: Annotated[
        bool, typer.Option("--ours", help="Keep its files, as your own code from now on.")
    ] = False,
    theirs: Annotated[
        bool, typer.Option("--theirs", help="Remove its files, your edits in them too.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    yes: Yes = False,
    skip: Skip = None,
    no_install: NoInstall = False,
) -> None:
    """Remove a component from the project."""
    from ..names import parse
    from ..plan.intents import removed
    from ..river.choices import Choices
    from ..river.flow import run
    from ..river.planning import Wish

    choices = Choices(dry_run, as_json, yes, ours, theirs, tuple(skip or ()), no_install)
    key = f"{kind}.{parse(name).slug}"

    def wished(opened: "Opened") -> "Wish":
        left = removed(opened.manifest, opened.catalog, kind, name)
        own = opened.base.owned_by(key)
        if ours:
            return Wish(left, left=frozenset(own))
        extra = _extra_files(opened.root, opened.base, key)
        if not theirs:
            _refuse_edited(opened, key, extra)
        return Wish(left, removed=tuple(extra))

    status = run("remove", (kind, name), wished, choices)
    raise typer.Exit(status)


def _extra_files(root: Path, base: "Pristine", key: str) -> list[str]:
    """The user's files in the folders that hold nothing else than the instance."""
    folders = _folders(_managed(base, key)) - _folders(
        path for path, locked in base.lock.files.items() if locked.owner != key
    )
    found = (path for folder in folders for path in (root / folder).rglob("*") if path.is_file())
    paths = {path.relative_to(root).as_posix() for path in found if "__pycache__" not in path.parts}
    return sorted(paths - set(base.tree))


def _managed(base: "Pristine", key: str) -> "dict[str, File]":
    """The files of the instance but for those that are the user's or stay."""
    own = base.owned_by(key)
    return {path: file for path, file in own.items() if base.lock.files[path].policy == "managed"}


def _folders(paths: Iterable[str]) -> set[Path]:
    return {folder for path in paths for folder in Path(path).parents}


def _refuse_edited(opened: "Opened", key: str, extra: list[str]) -> None:
    from ..errors import Refused
    from ..merge.edits import edited
    from ..programs.formatter import formatters
    from ..project.reader import read_yours

    own = _managed(opened.base, key)
    found = edited(own, read_yours(opened.root, own), formatters(opened.root))
    if found or extra:
        raise Refused(
            f"you wrote in {', '.join([*found, *extra])}",
            "--ours keeps the files as your own code, --theirs removes them (mai undo restores)",
        )
