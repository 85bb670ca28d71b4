"""`mai why PATH`: whose a file is, and what mai would do with it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .app import HELP_OPTIONS
from .options import AsJson

if TYPE_CHECKING:
    from ..console.documents import Origin
    from ..river.opening import Opened

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)

_POLICIES = {
    "managed": "mai merges every change into it",
    "once": "mai wrote it once; it is yours",
    "keep": "it stays when its component is removed",
}


@app.command()
def why(
    path: Annotated[Path, typer.Argument(help="A file of the project.")], as_json: AsJson = False
) -> None:
    """Tell where a file comes from."""
    from ..console import report
    from ..plugins import loader
    from ..project.reader import find_root
    from ..river.opening import existing, open_project

    root = find_root(Path.cwd())
    catalog = loader.load_catalog()
    with report.plugin_problems(catalog):
        opened = open_project(root, catalog)
    told = _told(opened, existing(opened, path).as_posix())
    if as_json:
        report.document(told)
    else:
        report.why(told)


def _told(opened: "Opened", path: str) -> "Origin":
    from ..console.documents import Origin
    from ..errors import UsageError
    from ..merge.edits import edited
    from ..project.reader import read_yours

    if path.startswith(".mai/"):
        return Origin(path=path, meaning="it is mai's own: manifest, lock and base stay in git")
    if (opened.root / path).is_dir():
        raise UsageError(f"{path!r} is a folder", "name a file in it")
    locked = opened.base.lock.files.get(path)
    if locked is None:
        return Origin(path=path, meaning="it is yours: mai knows nothing of it")
    own = {path: opened.base.tree[path]}
    yours = read_yours(opened.root, own)
    lock = opened.base.lock
    instance = lock.instances.get(locked.owner)
    return Origin(
        path=path,
        meaning=_POLICIES[locked.policy],
        owner=locked.owner,
        policy=locked.policy,
        edited=bool(edited(own, yours)),
        missing=path not in yours,
        component=instance.component if instance else None,
        provider=f"{instance.provider} {instance.version}"
        if instance
        else f"mai-framework {lock.mai_version}",
        contributions={} if instance else _contributions(opened, path),
    )


def _contributions(opened: "Opened", path: str) -> dict[str, list[str]]:
    """Instance -> what it adds to one of the files that all share."""
    found = {}
    for key, locked in opened.base.lock.instances.items():
        contribution = locked.contribution
        added = {
            "pyproject.toml": list(contribution.get("dependencies", ())),
            ".env.example": [variable["name"] for variable in contribution.get("env", ())],
            "compose.yaml": list(contribution.get("compose", {}).get("fragments", ())),
        }.get(path)
        if added:
            found[key] = added
    return found
