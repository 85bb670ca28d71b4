"""What the user changed in the files that mai made."""

from collections.abc import Iterable
from pathlib import Path

from ..plan.outcomes import Outcome
from ..project.reader import read_yours
from .opening import Opened, existing


def edits_of(opened: Opened, paths: Iterable[Path] = ()) -> list[Outcome]:
    """Each edited file as the change that the user made to it; in `paths` only, where there are
    any."""
    base = opened.base.tree
    yours = read_yours(opened.root, base)
    wanted = [existing(opened, path) for path in paths]
    return [
        Outcome(path, "change" if path in yours else "remove", yours.get(path), file)
        for path, file in sorted(base.items())
        if yours.get(path) != file
        and (not wanted or any(Path(path).is_relative_to(one) for one in wanted))
    ]
