from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mai.merge.lines import Favor, Labels
from mai.merge.trees import Conflict, Kind, Merged, merge_trees
from mai.project.tree import File, Tree

Files = Mapping[str, bytes | File]

TEXT = b"".join(b"line %d of this file\n" % n for n in range(1, 13))
OTHER = b"".join(b"another %d altogether\n" % n for n in range(12))
MINE = TEXT.replace(b"line 2 of this file", b"mine")
NEW = TEXT.replace(b"line 10 of this file", b"new")
BOTH = MINE.replace(b"line 10 of this file", b"new")
SAME_LINE = TEXT.replace(b"line 2 of this file", b"theirs")
BINARY, MY_BINARY, NEW_BINARY = b"\x89PNG\0" * 9, b"\x89PNG\0mine" * 9, b"\x89PNG\0new" * 9
FAR_NUL = OTHER * 40 + b"\0"


def crlf(content: bytes) -> bytes:
    return content.replace(b"\n", b"\r\n")


def tree(files: Files) -> dict[str, File]:
    return {path: f if isinstance(f, File) else File(f) for path, f in files.items()}


def merge(base: Files, yours: Files, new: Files, favor: Favor = None) -> Merged:
    labels = Labels("mai 0.2.0")
    return merge_trees(tree(base), tree(yours), tree(new), labels=lambda _: labels, favor=favor)


CLEAN: dict[str, tuple[Files, Files, Files, Files]] = {
    "only you changed": ({"a": TEXT}, {"a": MINE}, {"a": TEXT}, {"a": MINE}),
    "only new changed": ({"a": TEXT}, {"a": TEXT}, {"a": NEW}, {"a": NEW}),
    "both, elsewhere in the file": ({"a": TEXT}, {"a": MINE}, {"a": NEW}, {"a": BOTH}),
    "the same change": ({"a": TEXT}, {"a": MINE}, {"a": MINE}, {"a": MINE}),
    "both delete": ({"a": TEXT}, {}, {}, {}),
    "both add the same": ({}, {"a": TEXT}, {"a": TEXT}, {"a": TEXT}),
    "you deleted, new leaves it": ({"a": TEXT}, {}, {"a": TEXT}, {}),
    "new deletes, unedited": ({"a": TEXT}, {"a": TEXT}, {}, {}),
    "yours alone": ({}, {"own/a": TEXT}, {"b": NEW}, {"own/a": TEXT, "b": NEW}),
    "new renames what you edited": ({"a": TEXT}, {"a": MINE}, {"b": NEW}, {"b": BOTH}),
    "you moved what new changes": ({"a": TEXT}, {"d/z": MINE}, {"a": NEW}, {"d/z": BOTH}),
    "both rename to one place": ({"a": TEXT}, {"b": MINE}, {"b": NEW}, {"b": BOTH}),
    "new renames a folder": (
        {"old/a": TEXT, "old/__init__.py": b"", "old/s/b": OTHER},
        {"old/a": MINE, "old/__init__.py": b"import a\n", "old/s/b": OTHER, "old/s/own": b"own\n"},
        {"new/a": NEW, "new/__init__.py": b"", "new/s/b": OTHER},
        {"new/a": BOTH, "new/__init__.py": b"import a\n", "new/s/b": OTHER, "new/s/own": b"own\n"},
    ),
    "you rename a folder that new adds to": (
        {"old/a": TEXT, "old/b": OTHER},
        {"my/a": MINE, "my/b": OTHER},
        {"old/a": NEW, "old/b": OTHER, "old/s/c": b"c\n"},
        {"my/a": BOTH, "my/b": OTHER, "my/s/c": b"c\n"},
    ),
    "new empties a folder into two: your own file stays": (
        {"old/a": TEXT, "old/b": OTHER},
        {"old/a": TEXT, "old/b": OTHER, "old/own": b"own\n"},
        {"x/a": TEXT, "y/b": OTHER},
        {"x/a": TEXT, "y/b": OTHER, "old/own": b"own\n"},
    ),
    "you rename a folder that new only adds to": (
        {"old/a": TEXT, "old/b": OTHER},
        {"my/a": TEXT, "my/b": OTHER},
        {"old/a": TEXT, "old/b": OTHER, "old/c": b"c\n"},
        {"my/a": TEXT, "my/b": OTHER, "my/c": b"c\n"},
    ),
    "a renamed folder, but its new file has no place there": (
        {"old/a": TEXT, "old/b": OTHER, "my/c": b"k\n"},
        {"my/a": TEXT, "my/b": OTHER, "my/c": b"k\n"},
        {"old/a": TEXT, "old/b": OTHER, "old/c": b"c\n", "my/c": b"k\n"},
        {"my/a": TEXT, "my/b": OTHER, "my/c": b"k\n", "old/c": b"c\n"},
    ),
    "a renamed folder, but your own file has no place there": (
        {"old/a": TEXT, "old/b": OTHER},
        {"old/a": TEXT, "old/b": OTHER, "old/own": b"own\n", "new/own": b"too\n"},
        {"new/a": TEXT, "new/b": OTHER},
        {"new/a": TEXT, "new/b": OTHER, "old/own": b"own\n", "new/own": b"too\n"},
    ),
    "new keeps a file in the folder: your own file stays": (
        {"old/a": TEXT, "old/b": OTHER},
        {"old/a": TEXT, "old/b": OTHER, "old/own": b"own\n"},
        {"new/a": TEXT, "old/b": OTHER},
        {"new/a": TEXT, "old/b": OTHER, "old/own": b"own\n"},
    ),
    "new drops most of the folder: your own file stays": (
        {"old/a": TEXT, "old/b": OTHER, "old/c": b"c\n"},
        {"old/a": TEXT, "old/b": OTHER, "old/c": b"c\n", "old/own": b"own\n"},
        {"new/a": TEXT},
        {"new/a": TEXT, "old/own": b"own\n"},
    ),
    "files of the same content keep to their paths": (
        {"x/one/m.py": TEXT, "x/two/m.py": TEXT},
        {"x/one/m.py": MINE, "x/two/m.py": TEXT},
        {"y/two/m.py": TEXT, "z/one/m.py": TEXT},
        {"y/two/m.py": TEXT, "z/one/m.py": MINE},
    ),
    "the same name counts for more than a few lines": (
        {"x/m.py": TEXT},
        {"x/m.py": MINE},
        {"y/m.py": TEXT + OTHER[:90], "y/n.py": NEW},
        {"y/m.py": MINE + OTHER[:90], "y/n.py": NEW},
    ),
    "a module becomes a package": ({"a": TEXT}, {"a": MINE}, {"a/b": NEW}, {"a/b": BOTH}),
    "binary, only you changed": ({"a": BINARY}, {"a": MY_BINARY}, {"a": BINARY}, {"a": MY_BINARY}),
    "binary, only new changed": (
        {"a": BINARY},
        {"a": BINARY},
        {"a": NEW_BINARY},
        {"a": NEW_BINARY},
    ),
    "you set the exec bit": (
        {"a": TEXT},
        {"a": File(TEXT, executable=True)},
        {"a": NEW},
        {"a": File(NEW, executable=True)},
    ),
    "new sets the exec bit": (
        {"a": TEXT},
        {"a": MINE},
        {"a": File(TEXT, executable=True)},
        {"a": File(MINE, executable=True)},
    ),
    "new takes the exec bit away": (
        {"a": File(TEXT, executable=True)},
        {"a": File(MINE, executable=True)},
        {"a": NEW},
        {"a": BOTH},
    ),
    "CRLF, unedited": ({"a": TEXT}, {"a": crlf(TEXT)}, {"a": NEW}, {"a": crlf(NEW)}),
    "CRLF, edited": ({"a": TEXT}, {"a": crlf(MINE)}, {"a": NEW}, {"a": crlf(BOTH)}),
    "CRLF, unedited, new deletes": ({"a": TEXT}, {"a": crlf(TEXT)}, {}, {}),
    "CRLF, you deleted, new leaves it": ({"a": TEXT}, {}, {"a": crlf(TEXT)}, {}),
    "CRLF, new renames": ({"a": TEXT}, {"a": crlf(MINE)}, {"b": NEW}, {"b": crlf(BOTH)}),
    "CRLF, both add the same": ({}, {"a": crlf(TEXT)}, {"a": TEXT}, {"a": crlf(TEXT)}),
    "a template in CRLF": (
        {"a": crlf(TEXT)},
        {"a": crlf(MINE)},
        {"a": crlf(NEW)},
        {"a": crlf(BOTH)},
    ),
    "a template that turns to LF": ({"a": crlf(TEXT)}, {"a": crlf(MINE)}, {"a": NEW}, {"a": BOTH}),
    "mixed line ends": (
        {"a": TEXT},
        {"a": MINE.replace(b"mine\n", b"mine\r\n")},
        {"a": NEW},
        {"a": BOTH.replace(b"mine\n", b"mine\r\n")},
    ),
    "not UTF-8": (
        {"a": TEXT + b"caf\xe9\n"},
        {"a": MINE + b"caf\xe9\n"},
        {"a": NEW + b"caf\xe9\n"},
        {"a": BOTH + b"caf\xe9\n"},
    ),
    "an empty file is filled": ({"a": b""}, {"a": b""}, {"a": TEXT}, {"a": TEXT}),
    "no final newline": ({"a": TEXT[:-1]}, {"a": MINE[:-1]}, {"a": NEW[:-1]}, {"a": BOTH[:-1]}),
    "path with spaces, not ASCII": (
        {"ein Ordner/ü é.py": TEXT},
        {"ein Ordner/ü é.py": MINE},
        {"ça va/ü é.py": NEW},
        {"ça va/ü é.py": BOTH},
    ),
}


@pytest.mark.parametrize(("base", "yours", "new", "result"), CLEAN.values(), ids=CLEAN)
def test_merges_without_conflict(base: Files, yours: Files, new: Files, result: Files) -> None:
    merged = merge(base, yours, new)
    assert (merged.tree, merged.conflicts) == (tree(result), ())


WHOLE: dict[str, tuple[Files, Files, Files, Kind, str, Files]] = {
    "binary": (
        {"a": BINARY}, {"a": MY_BINARY}, {"a": NEW_BINARY}, "binary", "a", {"a": MY_BINARY},
    ),
    "binary, both add": ({}, {"a": MY_BINARY}, {"a": NEW_BINARY}, "binary", "a", {"a": MY_BINARY}),
    "NUL far behind": (
        {"a": FAR_NUL}, {"a": MINE + FAR_NUL}, {"a": FAR_NUL + NEW}, "binary", "a",
        {"a": MINE + FAR_NUL},
    ),
    "you deleted": ({"a": TEXT}, {}, {"a": NEW}, "you deleted", "a", {}),
    "you deleted what new renames": ({"a": TEXT}, {}, {"b": TEXT}, "you deleted", "b", {}),
    "you changed": ({"a": TEXT}, {"a": MINE}, {}, "you changed, gone", "a", {"a": MINE}),
    "you moved": ({"a": TEXT}, {"b": TEXT}, {}, "you changed, gone", "b", {"b": TEXT}),
    "renamed apart": ({"a": TEXT}, {"b": MINE}, {"c": NEW}, "renamed apart", "b", {"b": BOTH}),
    "file, new has a folder": ({}, {"a": MINE}, {"a/b": NEW}, "path taken", "a/b", {"a": MINE}),
    "folder, new has a file": ({}, {"a/b": MINE}, {"a": NEW}, "path taken", "a", {"a/b": MINE}),
    "new adds to a folder of yours, where a dropped file is": (
        {"old/a": TEXT, "old/b": OTHER, "my/c": b"k\n"},
        {"my/a": TEXT, "my/b": OTHER, "my/c": MINE},
        {"old/a": TEXT, "old/b": OTHER, "old/c": b"c\n"}, "you changed, gone", "my/c",
        {"my/a": TEXT, "my/b": OTHER, "my/c": MINE, "old/c": b"c\n"},
    ),
    "your own file cannot follow its folder": (
        {"old/a": TEXT}, {"old/a": TEXT, "old/own": b"own\n"}, {"new/a": TEXT, "new/own/b": NEW},
        "path taken", "new/own", {"new/a": TEXT, "new/own/b": NEW, "old/own": b"own\n"},
    ),
    "new renames below a file of yours": (
        {"a": TEXT}, {"a": MINE, "b": b"own\n"}, {"b/a": NEW}, "path taken", "b/a",
        {"a": BOTH, "b": b"own\n"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("base", "yours", "new", "kind", "path", "result"), WHOLE.values(), ids=WHOLE
)
def test_reports_what_cannot_stand_in_a_file(
    base: Files, yours: Files, new: Files, kind: Kind, path: str, result: Files
) -> None:
    merged = merge(base, yours, new)
    assert merged.conflicts == (Conflict(path, kind),)
    assert merged.tree == tree(result)


def test_the_same_line_is_a_zdiff3_block_with_both_names() -> None:
    yours = MINE.replace(b"line 3 of this file\n", b"both\n")
    new = NEW.replace(b"line 2 of this file\nline 3 of this file\n", b"theirs\nboth\n")
    merged = merge({"a": TEXT}, {"a": yours}, {"a": new})
    assert merged.conflicts == (Conflict("a", "both changed", 1),)
    block = (
        b"<<<<<<< yours\nmine\n||||||| base\nline 2 of this file\nline 3 of this file\n"
        b"=======\ntheirs\n>>>>>>> mai 0.2.0\nboth\n"
    )
    assert merged.tree["a"].content == BOTH.replace(b"mine\nline 3 of this file\n", block)


def test_two_additions_differ_by_two_way_blocks() -> None:
    merged = merge({}, {"a": MINE}, {"a": SAME_LINE.replace(b"line 11", b"line eleven")})
    assert merged.conflicts == (Conflict("a", "both added", 2),)
    block = b"<<<<<<< yours\nmine\n=======\ntheirs\n>>>>>>> mai 0.2.0\n"
    assert block in merged.tree["a"].content


def test_blocks_in_a_crlf_file_have_crlf_too() -> None:
    merged = merge({"a": TEXT}, {"a": crlf(MINE)}, {"a": SAME_LINE})
    assert merged.conflicts == (Conflict("a", "both changed", 1),)
    lf = merge({"a": TEXT}, {"a": MINE}, {"a": SAME_LINE})
    assert merged.tree["a"].content == crlf(lf.tree["a"].content)


def test_an_emptied_file_is_a_block_with_an_empty_side() -> None:
    old, block = (
        {"a": b"one\n"},
        b"<<<<<<< yours\n%s||||||| base\none\n=======\n%s>>>>>>> mai 0.2.0\n",
    )
    for yours, new in ((b"", b"two\n"), (b"two\n", b"")):
        merged = merge(old, {"a": yours}, {"a": new})
        assert merged.tree["a"].content == block % (yours, new)
        assert merged.conflicts == (Conflict("a", "both changed", 1),)


def test_blocks_that_stood_in_your_file_are_not_counted() -> None:
    old = b"<<<<<<< yours\nx\n=======\ny\n>>>>>>> mai 0.1.0\n"
    for base in (TEXT, TEXT + old):
        merged = merge({"a": base}, {"a": MINE + old}, {"a": SAME_LINE})
        assert merged.conflicts == (Conflict("a", "both changed", 1),)


def test_a_file_renamed_apart_can_hold_blocks_as_well() -> None:
    merged = merge({"a": TEXT}, {"b": MINE}, {"c": SAME_LINE})
    assert merged.conflicts == (Conflict("b", "renamed apart"), Conflict("b", "both changed", 1))
    assert list(merged.tree) == ["b"]


def test_a_rename_onto_a_file_of_yours_is_none() -> None:
    """Both files stay whole and both are reported."""
    merged = merge({"a": TEXT}, {"a": MINE, "b": OTHER}, {"b": NEW})
    assert [(c.path, c.kind) for c in merged.conflicts] == [
        ("a", "you changed, gone"),
        ("b", "both added"),
    ]
    assert merged.tree["a"].content == MINE
    assert set(OTHER.splitlines()) <= set(merged.tree["b"].content.splitlines())


def test_a_move_onto_a_file_of_the_template_is_none() -> None:
    merged = merge({"a": TEXT}, {"b": MINE}, {"a": NEW, "b": OTHER})
    assert [(c.path, c.kind) for c in merged.conflicts] == [
        ("a", "you deleted"),
        ("b", "both added"),
    ]
    assert set(MINE.splitlines()) <= set(merged.tree["b"].content.splitlines())


@pytest.mark.parametrize(("favor", "line"), [("ours", b"mine"), ("theirs", b"theirs")])
def test_favor_settles_the_blocks_and_merges_the_rest(favor: Favor, line: bytes) -> None:
    merged = merge({"a": TEXT}, {"a": MINE}, {"a": SAME_LINE.replace(b"line 10", b"ten")}, favor)
    wanted = TEXT.replace(b"line 2 of this file", line).replace(b"line 10", b"ten")
    assert (merged.tree, merged.conflicts) == (tree({"a": wanted}), ())


@pytest.mark.parametrize(("favor", "result"), [("ours", MY_BINARY), ("theirs", NEW_BINARY)])
def test_favor_takes_one_binary_whole(favor: Favor, result: bytes) -> None:
    merged = merge({"a": BINARY}, {"a": MY_BINARY}, {"a": NEW_BINARY}, favor)
    assert (merged.tree, merged.conflicts) == (tree({"a": result}), ())


@pytest.mark.parametrize("favor", ["ours", "theirs"])
def test_favor_neither_deletes_nor_restores(favor: Favor) -> None:
    merged = merge({"a": TEXT, "b": OTHER}, {"a": MINE}, {"b": OTHER + b"new\n"}, favor)
    assert [c.kind for c in merged.conflicts] == ["you changed, gone", "you deleted"]
    assert merged.tree == tree({"a": MINE})


def test_says_which_files_of_yours_followed_the_template() -> None:
    merged = merge(
        {"old/a": TEXT, "k": OTHER},
        {"old/a": MINE, "old/own": b"own\n", "moved": OTHER},
        {"new/a": NEW, "k": OTHER + b"new\n"},
    )
    assert merged.moved == {"old/a": "new/a", "old/own": "new/own"}


def test_the_users_git_configuration_takes_no_part(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(f"[core]\nattributesFile = {home}/attributes\n")
    (home / "attributes").write_text("* merge=union\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(home)
    assert merge({"a": TEXT}, {"a": MINE}, {"a": SAME_LINE}).conflicts
    assert sorted(p.name for p in home.iterdir()) == [".gitconfig", "attributes"]


LINES = st.sampled_from([b"one", b"two", b"three", b"four", b"five", b"six"])
PATHS = ["a", "b", "d", "d/a", "d/b", "e/a", "e/f/c"]


@st.composite
def _content(draw: st.DrawFn, own: bytes) -> bytes:
    """Lines of a shared stock and, of each side, some that no other has."""
    marked = st.integers(0, 5).map(lambda n: own + b"%d" % n)
    lines = draw(st.lists(LINES | marked, max_size=8))
    ends = draw(st.sampled_from([[b"\n"], [b"\r\n"], [b"\n", b"\r\n"]]))
    text = b"".join(line + draw(st.sampled_from(ends)) for line in lines)
    tail = draw(st.sampled_from([b"", b"", own, b"\0"]))
    return text + tail


def _trees(own: bytes) -> st.SearchStrategy[Tree]:
    files = st.builds(File, _content(own), st.booleans())
    drawn = st.dictionaries(st.sampled_from(PATHS), files, max_size=5)
    return drawn.map(
        lambda t: {p: f for p, f in t.items() if not any(o.startswith(f"{p}/") for o in t)}
    )


def _lines(files: Tree) -> set[bytes]:
    return {line.rstrip(b"\r") for f in files.values() for line in f.content.split(b"\n")}


@settings(deadline=None)
@given(_trees(b"base"), _trees(b"mine"), _trees(b"new"))
def test_every_line_of_yours_is_in_the_result(base: Tree, yours: Tree, new: Tree) -> None:
    merged = merge(base, yours, new)
    assert _lines(yours) - _lines(base) - {b""} <= _lines(merged.tree)
    assert not any(other.startswith(f"{path}/") for path in merged.tree for other in merged.tree)
    with_blocks = {path for path, f in merged.tree.items() if b"<<<<<<< yours" in f.content}
    assert with_blocks == {c.path for c in merged.conflicts if c.hunks}


@settings(deadline=None)
@given(_trees(b"base"), _trees(b"mine"))
def test_one_side_that_changed_nothing_leaves_the_other(base: Tree, other: Tree) -> None:
    assert merge(base, other, base) == Merged(dict(other), (), {})
    assert merge(base, other, other) == Merged(dict(other), (), {})
    brought = merge(base, base, other)
    assert (brought.tree, brought.conflicts) == (other, ())
