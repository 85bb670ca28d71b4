"""What becomes of each file, from its three versions: base, yours, and the new one."""

from collections.abc import Iterator

from ..plan.outcomes import Outcome
from ..project.tree import Tree


def three_way(base: Tree, yours: Tree, new: Tree) -> list[Outcome]:
    """One outcome per path of `base` or `new`, sorted; paths that are only yours are not touched.

    A file that you left as it was takes the new version; one that only you changed stays; one
    that both changed is a conflict.
    """
    return list(_outcomes(base, yours, new))


def _outcomes(base: Tree, yours: Tree, new: Tree) -> Iterator[Outcome]:
    for path in sorted({*base, *new}):
        was, mine, wanted = base.get(path), yours.get(path), new.get(path)
        if mine == wanted:
            if wanted is not None:
                yield Outcome(path, "identical", None, mine)
        elif mine == was:
            if wanted is None:
                yield Outcome(path, "remove", None, mine)
            else:
                yield Outcome(path, "create" if mine is None else "change", wanted, mine)
        elif wanted == was:
            yield Outcome(path, "skip", None, mine)
        else:
            yield Outcome(path, "conflict", wanted, mine)
