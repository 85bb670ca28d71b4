import pytest
from mai.merge.three_way import three_way
from mai.project.tree import File

OLD, MINE, NEW = File(b"old"), File(b"mine"), File(b"new")
BOTH_CHANGED = File(b"<<<<<<< yours\nmine\n||||||| base\nold\n=======\nnew\n>>>>>>> mai\n")
BOTH_ADDED = File(b"<<<<<<< yours\nmine\n=======\nnew\n>>>>>>> mai\n")


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
        (OLD, MINE, NEW, "conflict", BOTH_CHANGED),
        (None, MINE, NEW, "conflict", BOTH_ADDED),
        (OLD, None, NEW, "skip", None),
        (OLD, MINE, None, "skip", None),
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


BINARY, MY_BINARY, NEW_BINARY = (File(b"PNG\0\n" * 9 + end) for end in (b"", b"mine", b"new"))
LINES = b"".join(b"line %d\n" % number for number in range(9))
MY_LINES, NEW_LINES = (File(LINES.replace(b"e 4", end)) for end in (b"mine", b"new"))


def test_a_binary_that_the_template_moved_is_yours_in_its_new_place() -> None:
    moved, left = three_way({"b": BINARY}, {"b": MY_BINARY}, {"a/b": NEW_BINARY})
    assert (moved.path, moved.action, moved.file) == ("a/b", "create", MY_BINARY)
    assert (moved.source, bool(moved.notes)) == ("b", True)
    assert (left.path, left.action) == ("b", "remove")


def test_what_both_moved_is_merged_and_each_reason_is_told() -> None:
    elsewhere, left_out = three_way({"a": File(LINES)}, {"mine/a": MY_LINES}, {"new/a": NEW_LINES})
    assert (left_out.path, left_out.action) == ("new/a", "skip")
    assert (elsewhere.path, elsewhere.action, len(elsewhere.notes)) == ("mine/a", "conflict", 2)


def test_your_own_file_leaves_the_folder_that_it_follows() -> None:
    base, new = {"old/a": File(LINES)}, {"new/a": File(LINES)}
    outcomes = three_way(base, {**base, "old/own": MINE}, new)
    assert {outcome.path: outcome.action for outcome in outcomes} == {
        "new/a": "create",
        "new/own": "create",
        "old/a": "remove",
        "old/own": "remove",
    }
