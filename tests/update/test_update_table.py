"""The update table: what becomes of a hand edit when the project gets a newer mai.

After every command `run` looks for each edit of `user`: it is in the project, or in a conflict that
stands in the file. What a row asserts besides is where it is and what was told.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from mai.plugins.loader import Catalog

from tests.conftest import Mai
from tests.update.conftest import (
    GUIDE,
    LABELS,
    LATIN,
    LOGO,
    RETURNS,
    SHELF,
    Command,
    User,
    changed,
    committed,
    files,
    git,
    lock_of,
    replace,
    tool,
)
from tests.update.releases import make_project

SHELF_PY = "src/shop/shelf.py"
LABELS_PY = "src/shop/labels.py"
PRICES_PY = "src/shop/prices.py"
PRICING_PY = "src/shop/pricing.py"
RETURNS_PY = "src/shop/returns.py"
GUIDE_MD = "docs/guide.md"
SPACED_MD = "docs/größe und maß.md"
CONFLICTING = {
    SHELF_PY: ("WIDTH_CM = 90", "WIDTH_CM = 75"),
    GUIDE_MD: ("Sentence 3 of the guide.", "My sentence 3."),
    SPACED_MD: ("Sentence 3 of the guide.", "My other sentence 3."),
}


def conflicting(user: User) -> None:
    """Edits the lines that 0.9.0 changes, too."""
    for path, (old, new) in CONFLICTING.items():
        user.replaces(path, old, new)


def without_markers(path: Path) -> None:
    """Takes the markers of conflicts out by hand; both sides stay."""
    marks = (b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if not line.startswith(marks)))


# --- The same file --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "was", "mine", "theirs"),
    [
        (SHELF_PY, "no other book fits", "no other book of mine fits", "WIDTH_CM = 120"),
        (GUIDE_MD, "Sentence 9 of", "My sentence 9 of", "Sentence 3 (new)"),
        (SPACED_MD, "Sentence 9 of", "My sentence 9 of", "Sentence 3 (neu)"),
        (
            "pyproject.toml",
            '"typer>=0.29,<1",',
            '"typer>=0.29,<1",\n    "boto3",',
            "structlog>=25.6",
        ),
        (".env.example", "SHELF_SIZE=10", "SHELF_SIZE=12", "SHELF_CM=120"),
    ],
)
def test_edit_elsewhere_in_the_file(
    user: User, run: Command, path: str, was: str, mine: str, theirs: str
) -> None:
    user.replaces(path, was, mine)
    run("update")
    assert mine in user.read(path)
    assert theirs in user.read(path)
    assert "<<<<<<<" not in user.read(path)


def test_same_line_is_a_conflict_in_the_file(user: User, run: Command) -> None:
    conflicting(user)
    said = run("update", expect=1)
    for path in CONFLICTING:
        assert f"conflict  {path}" in said.stderr
    assert "mai resolve" in said.stderr
    assert (
        "<<<<<<< yours\nWIDTH_CM = 75\n||||||| base\nWIDTH_CM = 90\n"
        "=======\nWIDTH_CM = 120\n>>>>>>> mai 0.9.0\n"
    ) in user.read(SHELF_PY)


def test_every_conflict_is_told_before_anything_is_written(user: User, run: Command) -> None:
    conflicting(user)
    # What cannot be written ends the command before its first write.
    user.path("pyproject.toml").chmod(0o444)
    before = files(user.root)
    said = run("update", expect=1)
    for path in CONFLICTING:
        assert f"conflict  {path}" in said.stderr
    assert "'pyproject.toml' is read-only" in said.stderr.replace(f"{user.root}/", "")
    assert files(user.root) == before


def test_resolve_waits_for_the_last_marker_and_finishes(user: User, run: Command) -> None:
    conflicting(user)
    run("update", expect=1)
    said = run("resolve", expect=1)
    for path in CONFLICTING:
        assert path in said.stderr
    assert "mai resolve" in run("add", "tool", "weather", expect=1).stderr
    for path in CONFLICTING:
        without_markers(user.path(path))
    run("resolve")
    assert run.failing_checks() == []
    assert "nothing to do" in run("update").stderr
    assert "nothing to do" in run("resolve").stderr
    run("add", "tool", "weather")


def test_undo_instead_brings_everything_back(user: User, run: Command) -> None:
    conflicting(user)
    user.appends(LABELS_PY)
    user.writes(RETURNS_PY, "MY = 2\n")
    before = files(user.root)
    run("update", expect=1)
    assert files(user.root) != before
    run("undo")
    assert files(user.root) == before
    run("update", expect=1)


def test_ours_keeps_mine_and_brings_the_rest(user: User, run: Command) -> None:
    conflicting(user)
    user.appends(SHELF_PY)
    run("update", "--ours")
    assert "WIDTH_CM = 75" in user.read(SHELF_PY)
    assert "structlog>=25.6" in user.read("pyproject.toml")


def test_theirs_takes_mais_and_undo_has_mine(
    mai: Mai, user: User, newest: Catalog, installed: Callable[[Catalog], None]
) -> None:
    installed(newest)
    conflicting(user)
    before = files(user.root)
    mai("update", "--theirs", "--no-install")
    assert user.read(SHELF_PY) == SHELF.replace("= 90", "= 120")
    mai("undo", "--no-install")
    assert files(user.root) == before


def test_skip_leaves_the_file_and_says_so(user: User, run: Command) -> None:
    conflicting(user)
    before = files(user.root)
    said = run("update", "--skip", SHELF_PY, expect=1)
    assert files(user.root)[SHELF_PY] == before[SHELF_PY]
    assert f"skip  {SHELF_PY}" in said.stderr
    assert f"conflict  {SHELF_PY}" not in said.stderr
    assert f"conflict  {GUIDE_MD}" in said.stderr


# --- Files that go, come and move -----------------------------------------------------------------


def test_template_deletes_what_nobody_edited(user: User, run: Command) -> None:
    said = run("update")
    assert not user.path(LABELS_PY).exists()
    assert f"remove  {LABELS_PY}" in said.stderr


def test_template_deletes_what_was_edited(user: User, run: Command) -> None:
    user.appends(LABELS_PY)
    before = user.read(LABELS_PY)
    said = run("update")
    assert user.read(LABELS_PY) == before
    assert f"skip  {LABELS_PY}" in said.stderr
    assert "mai 0.9.0 has it no more: it stays, as your own" in said.stderr
    assert "nothing to do" in run("update").stderr


def test_template_renames_what_was_edited(user: User, run: Command) -> None:
    user.replaces(PRICES_PY, "after a discount", "after my discount")
    said = run("update")
    assert not user.path(PRICES_PY).exists()
    assert "after my discount" in user.read(PRICING_PY)
    assert "VAT_PERCENT = 19" in user.read(PRICING_PY)
    assert f"{PRICING_PY} (from {PRICES_PY})" in said.stderr


def test_template_moves_a_folder_with_a_file_of_the_users_own(user: User, run: Command) -> None:
    user.replaces("seed/books.csv", "4;title 4;", "4;my title;")
    user.writes("seed/mine.csv", "mine\n")
    run("update")
    assert "4;my title;" in user.read("samples/books.csv")
    assert user.read("samples/mine.csv") == "mine\n"
    assert "cat samples/" in user.read("samples/load.sh")
    assert not user.path("seed").exists()


@pytest.mark.parametrize("way", ["--theirs", "--ours"])
def test_a_moved_file_is_there_whoever_is_favoured(user: User, run: Command, way: str) -> None:
    user.moves(PRICES_PY, "src/shop/core/prices.py")
    run("update", way)
    assert "VAT_PERCENT = 19" in user.read("src/shop/core/prices.py")


def test_binary_that_both_changed(user: User, run: Command) -> None:
    user.writes("docs/logo.png", LOGO + b"mine")
    said = run("update")
    assert user.path("docs/logo.png").read_bytes() == LOGO + b"mine"
    assert "no lines to merge: yours stays" in said.stderr


def test_binary_that_both_changed_and_the_template_moved(user: User, run: Command) -> None:
    user.writes("docs/icon.png", LOGO * 2 + b"mine")
    said = run("update")
    assert user.path("docs/images/icon.png").read_bytes() == LOGO * 2 + b"mine"
    assert "no lines to merge: yours stays" in said.stderr


def test_binary_that_nobody_edited(user: User, run: Command) -> None:
    run("update")
    assert user.path("docs/logo.png").read_bytes() == LOGO + b"new"


@pytest.mark.parametrize("path", [GUIDE_MD, LABELS_PY, PRICES_PY, "seed/load.sh"])
def test_user_deletes(user: User, run: Command, path: str) -> None:
    user.deletes(path)
    said = run("update")
    if path != LABELS_PY:
        assert "you deleted it" in said.stderr
    renamed = {PRICES_PY: PRICING_PY, "seed/load.sh": "samples/load.sh"}.get(path, path)
    assert not user.path(renamed).exists()
    assert "nothing to do" in run("update").stderr


@pytest.mark.parametrize(
    "to", ["src/shop/core/shelf.py", "src/shop/furniture.py", "lib/a b/shelf.py"]
)
def test_user_moves_a_file(user: User, run: Command, to: str) -> None:
    user.moves(SHELF_PY, to)
    user.replaces(to, "no other book fits", "no other book of mine fits")
    run("update")
    assert "WIDTH_CM = 120" in user.read(to)
    assert "of mine" in user.read(to)
    assert not user.path(SHELF_PY).exists()


def test_both_move_a_file(user: User, run: Command) -> None:
    user.moves(PRICES_PY, "src/shop/core/prices.py")
    user.replaces("src/shop/core/prices.py", "after a discount", "after my discount")
    said = run("update")
    assert "VAT_PERCENT = 19" in user.read("src/shop/core/prices.py")
    assert not user.path(PRICING_PY).exists()
    assert "moved it to different places" in said.stderr


def test_both_move_a_file_and_change_a_line(user: User, run: Command) -> None:
    user.moves(PRICES_PY, "src/shop/core/prices.py")
    user.replaces("src/shop/core/prices.py", "VAT_PERCENT = 7\n", "VAT_PERCENT = 8\n")
    said = run("update", expect=1)
    assert "conflict  src/shop/core/prices.py" in said.stderr
    assert "moved it to different places" in said.stderr
    run("undo")
    run("update", "--ours")


def test_user_renames_the_package(user: User, run: Command) -> None:
    user.replaces(SHELF_PY, "no other book fits", "no other book of mine fits")
    user.writes("src/shop/own.py", "OWN = 1\n")
    user.path("src/shop").rename(user.path("src/store"))
    assert "mai set package_name=store" in run("update", expect=1).stderr
    run("set", "package_name=store")
    assert "VAT_PERCENT = 7\n" in user.read("src/store/prices.py"), "set brings nothing newer"
    run("update")
    assert "WIDTH_CM = 120" in user.read("src/store/shelf.py")
    assert "of mine" in user.read("src/store/shelf.py")
    assert user.read("src/store/own.py") == "OWN = 1\n"
    assert "store.cli:main" in user.read("pyproject.toml")
    assert not user.path("src/shop").exists()
    assert run.failing_checks() == []


def test_both_add_a_file(user: User, run: Command) -> None:
    user.writes(RETURNS_PY, '"""Mine."""\n\nDAYS = 30\n', b"DAYS = 30")
    said = run("update", expect=1)
    assert f"conflict  {RETURNS_PY}" in said.stderr
    assert "DAYS = 14" in user.read(RETURNS_PY)
    assert ">>>>>>> mai 0.9.0" in user.read(RETURNS_PY)


def test_both_add_the_same_file(user: User, run: Command) -> None:
    user.writes(RETURNS_PY, RETURNS)
    run("update")
    assert user.read(RETURNS_PY) == RETURNS


# --- What git knows -------------------------------------------------------------------------------


def test_dirty_tree(user: User, run: Command) -> None:
    committed(user.root)
    user.replaces(SHELF_PY, "no other book fits", "no other book of mine fits")
    head = git(user.root, "rev-parse", "HEAD")
    run("update")
    assert "WIDTH_CM = 120" in user.read(SHELF_PY)
    assert git(user.root, "rev-parse", "HEAD") == head
    assert git(user.root, "stash", "list") == ""


def test_untracked_files(user: User, run: Command) -> None:
    committed(user.root)
    user.writes("notes.txt", "untracked\n")
    user.writes("src/shop/own/deep/file.py", "UNTRACKED = 1\n")
    user.writes(RETURNS_PY, "DAYS = 30\n")
    said = run("update", expect=1)
    assert user.read("notes.txt") == "untracked\n"
    assert f"conflict  {RETURNS_PY}" in said.stderr


def test_staged_only(user: User, run: Command) -> None:
    committed(user.root)
    user.appends(SHELF_PY)
    user.appends(GUIDE_MD)
    git(user.root, "add", "--all")
    # The index alone holds this one: it is none of mai's business.
    index_only = "src/shop/staged.py"
    user.writes(index_only, "STAGED = 1\n")
    git(user.root, "add", index_only)
    staged = git(user.root, "ls-files", "--stage"), git(user.root, "diff", "--cached")
    run("update")
    assert (git(user.root, "ls-files", "--stage"), git(user.root, "diff", "--cached")) == staged
    assert "WIDTH_CM = 120" in user.read(SHELF_PY)


def test_an_edit_that_only_the_index_holds_stays_there(user: User, run: Command) -> None:
    committed(user.root)
    before = user.read(SHELF_PY)
    user.path(SHELF_PY).write_text(before + "STAGED = 1\n", encoding="utf-8")
    git(user.root, "add", SHELF_PY)
    user.path(SHELF_PY).write_text(before, encoding="utf-8")
    run("update")
    assert "WIDTH_CM = 120" in user.read(SHELF_PY)
    assert git(user.root, "show", f":{SHELF_PY}").endswith("STAGED = 1\n")


def test_no_git(user: User, run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    user.replaces(SHELF_PY, "no other book fits", "no other book of mine fits")
    conflicting(user)
    run("update", expect=1)
    run("undo")
    run("update", "--ours")
    assert "structlog>=25.6" in user.read("pyproject.toml")


def cloned(user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> None:
    """Goes on in a clone of the user's repository."""
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", *options, user.root.as_uri(), str(clone))
    user.root = clone
    monkeypatch.chdir(clone)


def test_shallow_clone(
    user: User, run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed(user.root)
    user.replaces(SHELF_PY, "no other book fits", "no other book of mine fits")
    committed(user.root)
    cloned(user, tmp_path, monkeypatch, "--depth", "1")
    run("update")
    assert "WIDTH_CM = 120" in user.read(SHELF_PY)


def branches_with_one_add_each(user: User, run: Command) -> None:
    """`one` adds a tool, `two` an agent; each of them edits what it added."""
    committed(user.root)
    git(user.root, "checkout", "--quiet", "-b", "one")
    run("add", "tool", "weather")
    user.appends("src/shop/tools/weather.py", "ONE = 1\n")
    committed(user.root, "one")
    git(user.root, "checkout", "--quiet", "-b", "two", "main")
    with user.elsewhere():
        run("add", "agent", "support")
    user.appends("src/shop/agents/support/agent.py", "TWO = 2\n")
    committed(user.root, "two")


def settle_texts(root: Path) -> list[str]:
    """Settles what git could not merge, both sides of a text in order; gives those of `.mai/`."""
    state = []
    for path in git(root, "diff", "--relative", "--name-only", "--diff-filter=U").split():
        if path in {".mai/lock.json", ".mai/base.tar.gz"}:
            state.append(path)
            continue
        before, *blocks = re.split(r"<{7} .*\n", (root / path).read_text(encoding="utf-8"))
        for block in blocks:
            one, other, rest = re.split(r"={7}\n|>{7} .*\n", block, maxsplit=2)
            before += ("\n" if path == "README.md" else "").join(sorted([one, other])) + rest
        (root / path).write_text(before, encoding="utf-8")
        git(root, "add", path)
    return state


@pytest.mark.parametrize("way", ["merge", "squash", "rebase"])
def test_branches_with_one_add_each(
    user: User, run: Command, old: Catalog, installed: Callable[[Catalog], None], way: str
) -> None:
    installed(old)
    branches_with_one_add_each(user, run)
    command = {"squash": ["merge", "--squash", "one"], "rebase": ["rebase", "one"]}
    git(user.root, *command.get(way, ["merge", "one"]), check=False)
    state = settle_texts(user.root)
    assert set(state) == {".mai/lock.json", ".mai/base.tar.gz"}
    # Git has left those of one branch in the tree.
    git(user.root, "add", *state)
    end = ["rebase", "--continue"] if way == "rebase" else ["commit", "--quiet", "-m", "both"]
    git(user.root, "-c", "core.editor=true", *end)
    run("add", "tool", "news")
    assert run.failing_checks() == []
    assert set(lock_of(user.root)["instances"]) == {
        "agent.assistant", "agent.support", "tool.news", "tool.weather",
    }  # fmt: skip
    assert "nothing to do" in run("set").stderr


def test_subfolder_of_a_monorepo(
    user: User, run: Command, tmp_path: Path, old: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_project(tmp_path / "desk", old)
    (tmp_path / "README.md").write_text("Two services.\n", encoding="utf-8")
    committed(tmp_path)
    user.replaces(SHELF_PY, "no other book fits", "no other book of mine fits")
    run("update")
    assert "WIDTH_CM = 120" in user.read(SHELF_PY)
    told = git(tmp_path, "status", "--porcelain", "--", "desk", "README.md")
    assert told == "", "the other project and the root are untouched"
    monkeypatch.chdir(other / "src")
    run("update")
    assert not (other / "src/desk/labels.py").exists()


def test_state_that_git_holds_unmerged(
    user: User, run: Command, tmp_path: Path, old: Catalog, installed: Callable[[Catalog], None]
) -> None:
    installed(old)
    make_project(tmp_path / "desk", old)
    committed(tmp_path)
    branches_with_one_add_each(user, run)
    git(user.root, "merge", "one", check=False)
    state = settle_texts(user.root)
    assert "branches" in run.failing_checks()
    run("add", "tool", "news")
    assert set(lock_of(user.root)["instances"]) == {
        "agent.assistant", "agent.support", "tool.news", "tool.weather",
    }  # fmt: skip
    git(user.root, "add", *state)
    assert run.failing_checks() == []


# --- What mai remembers ---------------------------------------------------------------------------


def test_base_is_lost_and_rendered_again(
    user: User, run: Command, old: Catalog, installed: Callable[[Catalog], None]
) -> None:
    installed(old)
    user.appends(SHELF_PY)
    user.path(".mai/base.tar.gz").unlink()
    assert run.failing_checks() == ["base"]
    assert "mai doctor --fix" in run.mends()
    run("add", "tool", "weather")
    assert run.failing_checks() == []


def test_base_is_lost_and_taken_from_gits_objects(user: User, run: Command) -> None:
    committed(user.root)
    user.replaces(SHELF_PY, "no other book fits", "no other book of mine fits")
    user.deletes(GUIDE_MD)
    user.path(".mai/base.tar.gz").write_bytes(b"not an archive")
    said = run("update")
    assert "WIDTH_CM = 120" in user.read(SHELF_PY)
    assert "you deleted it" in said.stderr
    assert run.failing_checks() == []


def test_base_is_lost_for_good(user: User, run: Command, mai: Mai) -> None:
    user.replaces(SHELF_PY, "no other book fits", "no other book of mine fits")
    user.path(".mai/base.tar.gz").unlink()
    assert "mai doctor" in run("update", expect=1).stderr
    told = run.mends("doctor")
    for way in ("git's history", "uvx --from mai-framework==0.1.0", "mai doctor --adopt"):
        assert way in told
    mai("doctor", "--adopt", expect=1)
    assert run.failing_checks() == []
    said = run("update", expect=1)
    assert f"conflict  {SHELF_PY}" in said.stderr, "what was edited cannot be told any more"
    assert "structlog>=25.6" in user.read("pyproject.toml")
    run("undo")
    run("update", "--ours")
    assert "of mine" in user.read(SHELF_PY)


@pytest.mark.parametrize("path", [".mai/manifest.toml", ".mai/lock.json"])
def test_state_with_markers_is_refused(user: User, run: Command, path: str) -> None:
    user.path(path).write_text("<<<<<<< ours\n=======\n>>>>>>> theirs\n", encoding="utf-8")
    before = files(user.root)
    said = run("update", expect=1)
    assert "settle the conflict in it" in said.stderr
    assert files(user.root) == before
    assert run.failing_checks() == ["state"]


# --- How files are written ------------------------------------------------------------------------


def test_crlf(user: User, run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed(user.root)
    cloned(user, tmp_path, monkeypatch, "--config", "core.autocrlf=true")
    assert b"\r\n" in user.path(SHELF_PY).read_bytes()
    user.replaces(SHELF_PY, "no other book fits", "no other book of mine fits")
    user.appends(LABELS_PY, "MINE = 1\r\n")
    said = run("update")
    assert "conflict" not in said.stderr.replace("conflicts", "")
    for path in (SHELF_PY, GUIDE_MD, PRICING_PY, "pyproject.toml", "samples/books.csv"):
        content = user.path(path).read_bytes()
        assert content.count(b"\n") == content.count(b"\r\n"), path
    assert b"WIDTH_CM = 120\r\n" in user.path(SHELF_PY).read_bytes()
    assert user.path(LABELS_PY).exists()
    assert run.failing_checks() == []


FORMATTERS = {
    "ruff": ("line-length = 100", "line-length = 79", ["format", "--quiet", "--no-cache"]),
    "black": ("[tool.ruff]\n", "[tool.black]\nline-length = 60\n\n[tool.ruff]\n", ["--quiet"]),
}


@pytest.fixture
def formatted(user: User, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Formats every Python file of the project by a tool with settings of the user's own."""
    monkeypatch.setenv("PATH", str(tool("ruff").parent), prepend=os.pathsep)

    def run_formatter(name: str) -> None:
        was, mine, options = FORMATTERS[name]
        if mine not in user.read("pyproject.toml"):
            replace(user.path("pyproject.toml"), was, mine)
        subprocess.run([tool(name), *options, "."], cwd=user.root, check=True)

    return run_formatter


@pytest.mark.parametrize("name", ["ruff", "black"])
def test_another_formatter_is_no_edit(
    user: User, run: Command, formatted: Callable[[str], None], name: str
) -> None:
    formatted(name)
    assert user.read(SHELF_PY) != SHELF
    assert user.read(LABELS_PY) != LABELS
    user.replaces(SHELF_PY, "no other book fits", "no other book of mine fits")
    user.replaces(PRICES_PY, "after a discount", "after my discount")
    run("update")
    assert not user.path(LABELS_PY).exists(), "formatted, but not edited"
    assert "WIDTH_CM = 120" in user.read(SHELF_PY)
    assert "VAT_PERCENT = 19" in user.read(PRICING_PY)
    after = files(user.root)
    formatted(name)
    assert changed(after, files(user.root)) == set(), "what was merged is formatted, too"


def test_a_formatted_and_edited_file_that_is_gone_stays(
    user: User, run: Command, formatted: Callable[[str], None]
) -> None:
    formatted("ruff")
    user.appends(LABELS_PY)
    said = run("update")
    assert f"skip  {LABELS_PY}" in said.stderr


def test_a_syntax_error_is_the_users_affair(
    user: User, run: Command, formatted: Callable[[str], None]
) -> None:
    formatted("ruff")
    user.appends(SHELF_PY, "def half(:\n")
    user.appends(LABELS_PY, "also half(\n")
    user.replaces(PRICES_PY, "after a discount", "after my discount")
    run("update", "--ours")
    assert "VAT_PERCENT = 19" in user.read(PRICING_PY)


def test_a_file_that_is_not_utf_8(user: User, run: Command) -> None:
    mine = LATIN.replace(b" 9\n", "mäh 9\n".encode("latin-1"))
    user.writes("docs/latin.txt", mine, "mäh 9\n".encode("latin-1"))
    user.writes(SHELF_PY, SHELF.encode() + b"# \xff\n", b"# \xff\n")
    run("update")
    assert b" 3 (neu)\n" in user.path("docs/latin.txt").read_bytes()
    assert b"WIDTH_CM = 120" in user.path(SHELF_PY).read_bytes()


def test_an_empty_file_that_both_filled(user: User, run: Command) -> None:
    user.writes("docs/empty.txt", "mine\n")
    run("update", expect=1)
    assert "not empty any more" in user.read("docs/empty.txt")


def test_a_file_that_the_user_emptied(user: User, run: Command) -> None:
    user.path(GUIDE_MD).write_bytes(b"")
    said = run("update", expect=1)
    assert f"conflict  {GUIDE_MD}" in said.stderr
    run("undo")
    run("update", "--ours")
    assert user.read(GUIDE_MD) == ""


def test_paths_with_spaces_and_umlauts(
    mai: Mai,
    made: Path,
    newest: Catalog,
    installed: Callable[[Catalog], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = tmp_path / "mein Büro" / "shop für alle"
    shutil.copytree(made, root)
    monkeypatch.chdir(root)
    installed(newest)
    user = User(root)
    run = Command(mai, user)
    committed(root)
    user.writes("meine notizen/größe.md", "mine\n")
    user.replaces(SPACED_MD, "Sentence 9 of", "My sentence 9 of")
    user.replaces(PRICES_PY, "after a discount", "after my discount")
    run("update")
    assert "Sentence 3 (neu)" in user.read(SPACED_MD)
    run("undo")
    user.moves(SPACED_MD, "meine notizen/maß.md")
    run("update")
    assert "Sentence 3 (neu)" in user.read("meine notizen/maß.md")


def test_a_read_only_file(user: User, run: Command) -> None:
    user.appends(GUIDE_MD, "Mine.\n")
    user.path(SHELF_PY).chmod(0o444)
    before = files(user.root)
    said = run("update", expect=1)
    assert "shelf.py' is read-only" in said.stderr
    assert "chmod" in said.stderr
    assert files(user.root) == before
    run("update", "--skip", SHELF_PY)
    assert user.read(SHELF_PY) == SHELF
    assert "Sentence 3 (new)" in user.read(GUIDE_MD)


def test_a_link_inside_the_project_stays_one(user: User, run: Command) -> None:
    user.path(GUIDE_MD).rename(user.path("docs/real.md"))
    user.path(GUIDE_MD).symlink_to("real.md")
    user.replaces("docs/real.md", "Sentence 9 of", "My sentence 9 of")
    run("update", "--skip", GUIDE_MD)
    assert "Sentence 3 (new)" not in user.read("docs/real.md")
    run("undo")
    run("update")
    assert user.path(GUIDE_MD).is_symlink()
    assert "Sentence 3 (new)" in user.read("docs/real.md")


def test_a_link_that_leads_out_is_refused(user: User, run: Command, tmp_path: Path) -> None:
    outside = tmp_path / "guide.md"
    outside.write_text(GUIDE + "Somebody else's.\n", encoding="utf-8")
    user.path(GUIDE_MD).unlink()
    user.path(GUIDE_MD).symlink_to(outside)
    before = files(user.root)
    said = run("update", expect=1)
    assert "leads out of the project" in said.stderr
    assert "--skip" in said.stderr
    assert files(user.root) == before
    run("update", "--skip", GUIDE_MD)
    assert outside.read_text(encoding="utf-8") == GUIDE + "Somebody else's.\n"
    assert user.path(GUIDE_MD).is_symlink()


# --- What users of another update command reported ------------------------------------------------


def test_every_kind_of_conflict_is_told(user: User, run: Command, mai: Mai) -> None:
    conflicting(user)
    user.appends(LABELS_PY)
    user.writes(RETURNS_PY, "MY_DAYS = 30\n")
    user.writes("docs/logo.png", LOGO + b"mine")
    user.deletes("docs/latin.txt")
    user.moves(PRICES_PY, "src/shop/core/prices.py")
    told = mai("update", "--dry-run", "--json").json()["outcomes"]
    reasons = {one["path"]: (one["action"], " ".join(one.get("notes", []))) for one in told}
    expected = {
        **dict.fromkeys(CONFLICTING, ("conflict", "the same lines")),
        LABELS_PY: ("skip", "has it no more"),
        RETURNS_PY: ("conflict", "each have a file of this name"),
        "docs/logo.png": ("skip", "no lines to merge"),
        "docs/latin.txt": ("skip", "you deleted it"),
        "src/shop/core/prices.py": ("change", "to different places"),
    }
    for path, (action, reason) in expected.items():
        assert reasons[path][0] == action
        assert reason in reasons[path][1]
    said = run("update", expect=1)
    for path, (action, _) in expected.items():
        assert f"{action}  {path}" in said.stderr


def test_what_is_advised_after_a_conflict_keeps_the_users_code(user: User, run: Command) -> None:
    conflicting(user)
    user.appends(LABELS_PY)
    user.writes("src/shop/own.py", "OWN = 1\n")
    told = run("update", expect=1).stderr + run("resolve", expect=1).stderr
    assert not re.search(r"\brm\b|git (checkout|reset|clean|restore)|delete", told)
    for path in CONFLICTING:
        without_markers(user.path(path))
    run("resolve")


def test_keys_of_the_environment_are_named_and_env_is_the_users(user: User, run: Command) -> None:
    env = "SHELF_SIZE=99\nSHELF_ROOMS=8\nMY_SECRET=hidden\n"
    user.writes(".env", env)
    user.replaces(".env.example", "SHELF_SIZE=10", "SHELF_SIZE=99")
    user.appends(".env.example", "MY_SECRET=\n")
    said = run("update")
    assert "new in .env.example: SHELF_CM" in said.stderr
    assert "gone from .env.example: SHELF_ROOMS" in said.stderr
    assert user.read(".env") == env
    assert "hidden" not in said.stdout + said.stderr
    example = user.read(".env.example")
    assert "SHELF_SIZE=99" in example
    assert "SHELF_CM=120" in example
    assert "SHELF_ROOMS" not in example


def test_a_key_that_goes_and_that_the_user_set_is_kept_or_told(user: User, run: Command) -> None:
    user.replaces(".env.example", "SHELF_ROOMS=3", "SHELF_ROOMS=8")
    said = run("update")
    assert "gone from .env.example: SHELF_ROOMS" in said.stderr
    assert "SHELF_ROOMS=8" in user.read(".env.example")
