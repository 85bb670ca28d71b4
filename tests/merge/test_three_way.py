import pytest
from mai.merge.three_way import three_way
from mai.project.tree import File

OLD, MINE, NEW = File(b"old"), File(b"mine"), File(b"new")


@pytest.mark.parametrize(
    ("base", "yours", "new", "action", "result"),
    [
        (None, None, NEW, "create", NEW),
        (OLD, OLD, NEW, "change", NEW),
        (OLD, NEW, NEW, "identical", None),
        (None, NEW, NEW, "identical", None),
        (OLD, MINE, OLD, "skip", None),
        (OLD, None, OLD, "skip", None),
        (OLD, OLD, None, "remove", None),
        (OLD, MINE, NEW, "conflict", NEW),
        (None, MINE, NEW, "conflict", NEW),
        (OLD, None, NEW, "conflict", NEW),
        (OLD, MINE, None, "conflict", None),
    ],
)
def test_each_case_has_one_outcome(
    base: File | None, yours: File | None, new: File | None, action: str, result: File | None
) -> None:
    def tree(file: File | None) -> dict[str, File]:
        return {} if file is None else {"a": file}

    (outcome,) = three_way(tree(base), tree(yours), tree(new))
    assert (outcome.action, outcome.file, outcome.before) == (action, result, yours)


def test_what_is_only_yours_is_not_touched() -> None:
    assert three_way({}, {"mine": MINE}, {}) == []


def test_a_changed_exec_bit_is_a_change() -> None:
    (outcome,) = three_way({"a": OLD}, {"a": OLD}, {"a": File(b"old", executable=True)})
    assert outcome.action == "change"
