"""Branches that each changed the project, brought together by git as its users do."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from mai.plugins.loader import Catalog
from mai.project.reader import read_lock, read_manifest
from mai.project.tree import read_tree

from tests.conftest import Mai
from tests.update.installed import LEDGER_MIGRATION, install, release
from tests.update.releases import make_project

STATE = [".mai/lock.json", ".mai/base.tar.gz"]


@pytest.fixture(scope="module")
def present(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return release(tmp_path_factory.mktemp("present"), "1.0.0")


@pytest.fixture(scope="module")
def coming(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """A release with another README and another line in the package's front door."""

    def change(folder: Path) -> None:
        readme = folder / "template/README.md.jinja"
        readme.write_text(readme.read_text(encoding="utf-8") + "\nMade with care.\n", "utf-8")
        main = folder / "template/src/{{package_name}}/main.py"
        main.write_text("# Newer.\n" + main.read_text(encoding="utf-8"), "utf-8")

    return release(tmp_path_factory.mktemp("coming"), "1.1.0", change)


class Repository:
    """A project in git, and what its user types."""

    def __init__(self, root: Path, mai: Mai) -> None:
        self.root = root
        self._mai = mai
        self.theirs_first = False

    def git(self, *arguments: str, may_fail: bool = False) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert may_fail or done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def mai(self, *argv: str) -> None:
        self._mai(*argv, *([] if argv[0] == "check" else ["--no-install"]))

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def on_branch(self, name: str, *argv: str) -> None:
        """A branch off `main` with one command of mai on it."""
        self.git("checkout", "--quiet", "-b", name, "main")
        self.mai(*argv)
        self.commit(" ".join(argv))

    def tree(self) -> dict[str, bytes]:
        """Every file that git would commit, but for mai's own."""
        listed = self.git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        paths = (path for path in set(listed.split("\0")) if path and path[:5] != ".mai/")
        found = ((path, self.root / path) for path in paths)
        return {path: file.read_bytes() for path, file in found if file.is_file()}

    def unsound(self) -> list[str]:
        """What `mai check` complains of; there is no uv.lock."""
        checks = self._mai("check", "--json", expect=1).json()["checks"]
        return [c["name"] for c in checks if not c["ok"] and c["name"] != "uv.lock"]

    def unmerged(self) -> list[str]:
        return self.git("diff", "--name-only", "--diff-filter=U").splitlines()

    def settle(self, lock: str = "ours", base: str | None = None) -> None:
        """Settles what git reports, and only that: both sides' lines, one side's state."""
        sides = dict(zip(STATE, (lock, base or lock), strict=True))
        for path in self.unmerged():
            if path in sides:
                self.git("checkout", f"--{sides[path]}", path)
            else:
                self.keep_both_sides(path)
            self.git("add", path)

    def keep_both_sides(self, path: str) -> None:
        """Every conflict whole, as ours and then theirs, or the reverse."""
        self.git("checkout", "--merge", "--conflict=diff3", path)
        lines, sides = [], {mark: list[str]() for mark in "<|="}
        side = None
        for line in (self.root / path).read_text(encoding="utf-8").splitlines(keepends=True):
            if line[:7] in {"<<<<<<<", "|||||||", "======="}:
                side = sides[line[0]]
            elif line[:7] == ">>>>>>>":
                ours, _, theirs = sides.values()
                lines += [*theirs, *ours] if self.theirs_first else [*ours, *theirs]
                sides, side = {mark: [] for mark in sides}, None
            else:
                (lines if side is None else side).append(line)
        (self.root / path).write_text("".join(lines), encoding="utf-8")


@pytest.fixture
def project(
    mai: Mai, tmp_path: Path, present: Catalog, monkeypatch: pytest.MonkeyPatch
) -> Repository:
    root = make_project(tmp_path / "shop", present)
    monkeypatch.chdir(root)
    install(present, monkeypatch)
    repository = Repository(root, mai)
    repository.git("init", "--quiet", "--initial-branch", "main")
    (root / "notes.txt").write_text("mine\n", encoding="utf-8")
    repository.commit("made")
    return repository


def merge(project: Repository) -> None:
    project.git("merge", "--quiet", "theirs", may_fail=True)


def merged(project: Repository, lock: str = "ours", base: str | None = None) -> None:
    merge(project)
    project.settle(lock, base)
    project.git("commit", "--quiet", "--no-edit")


def merged_with_theirs(project: Repository) -> None:
    merged(project, "theirs")


def merged_with_mixed_state(project: Repository) -> None:
    merged(project, "ours", "theirs")


def merged_by_theirs(project: Repository) -> None:
    """The other branch merges this one."""
    project.git("checkout", "--quiet", "theirs")
    project.git("merge", "--quiet", "mine", may_fail=True)
    project.settle()
    project.git("commit", "--quiet", "--no-edit")


def merged_and_gone_on(project: Repository) -> None:
    """A commit after the merge hides it from a look at the last one."""
    merged(project)
    (project.root / "notes.txt").write_text("mine, and more\n", encoding="utf-8")
    project.commit("notes")


def unmerged_in_the_index(project: Repository) -> None:
    """The texts are settled, `.mai/` waits: mai comes first, then the commit."""
    merge(project)
    for path in set(project.unmerged()) - set(STATE):
        project.keep_both_sides(path)


def squashed(project: Repository) -> None:
    project.git("merge", "--quiet", "--squash", "theirs", may_fail=True)
    project.settle()
    project.git("commit", "--quiet", "--message", "theirs")


def squashed_with_mixed_state(project: Repository) -> None:
    project.git("merge", "--quiet", "--squash", "theirs", may_fail=True)
    project.settle("theirs", "ours")
    project.git("commit", "--quiet", "--message", "theirs")


def rebased(project: Repository) -> None:
    project.git("rebase", "--quiet", "theirs", may_fail=True)
    project.settle()
    project.git("-c", "core.editor=true", "rebase", "--continue")


WAYS = [
    merged,
    merged_with_theirs,
    merged_with_mixed_state,
    merged_by_theirs,
    merged_and_gone_on,
    unmerged_in_the_index,
    squashed,
    squashed_with_mixed_state,
    rebased,
]
PAIRS = [
    ("tool rain", "tool snow"),
    ("feature ledger", "agent desk"),
    pytest.param(("tool snow", "agent desk"), marks=pytest.mark.slow),
    pytest.param(("tool clock", "tool web-fetch"), marks=pytest.mark.slow),
]


def append(file: Path, text: str) -> None:
    file.write_bytes(file.read_bytes() + text.encode())


@pytest.mark.parametrize("join", WAYS)
@pytest.mark.parametrize("pair", PAIRS)
def test_two_branches_with_one_add_each(
    project: Repository, pair: tuple[str, str], join: Callable[[Repository], None]
) -> None:
    one, other = (text.split() for text in pair)
    made = project.tree()
    project.on_branch("theirs", "add", *one)
    append(project.root / "README.md", "\nTheirs.\n")
    project.commit("theirs")
    project.on_branch("mine", "add", *other)
    main = project.root / "src/shop/main.py"
    append(main, "# Mine.\n")
    project.commit("mine")
    # Agents come before tools in the README; a section that is elsewhere is the user's.
    project.theirs_first = "agent desk" in pair and join in {merged_by_theirs, rebased}
    join(project)
    project.mai("set")
    project.commit("joined")
    assert project.unsound() == []
    lock = read_lock(project.root)
    assert set(lock.instances) == {"agent.assistant", *(".".join(key) for key in (one, other))}
    assert set(read_manifest(project.root).to_toml().splitlines()) >= {
        f"[{'.'.join(key)}]" for key in (one, other)
    }
    assert project.tree().keys() >= set(lock.files)
    assert (project.root / "README.md").read_text(encoding="utf-8").endswith("\nTheirs.\n")
    assert main.read_text(encoding="utf-8").endswith("# Mine.\n")

    project.mai("remove", *one)
    assert project.unsound() == []
    project.mai("remove", *other)
    left = project.tree()
    left.pop(LEDGER_MIGRATION, None)
    assert left.pop("README.md") == made.pop("README.md") + b"\nTheirs.\n"
    assert left.pop("src/shop/main.py") == made.pop("src/shop/main.py") + b"# Mine.\n"
    left.pop("notes.txt")
    made.pop("notes.txt")
    assert left == made


@pytest.mark.parametrize(
    "join",
    [
        way
        if way in {merged_with_theirs, squashed, rebased}
        else pytest.param(way, marks=pytest.mark.slow)
        for way in WAYS
    ],
)
def test_an_update_on_one_branch_and_an_add_on_the_other(
    project: Repository,
    join: Callable[[Repository], None],
    coming: Catalog,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project.on_branch("mine", "add", "tool", "clock")
    main = project.root / "src/shop/main.py"
    append(main, "# Mine.\n")
    project.commit("mine")
    install(coming, monkeypatch)
    project.on_branch("theirs", "update")
    project.git("checkout", "--quiet", "mine")
    project.theirs_first = join in {merged_by_theirs, rebased}
    join(project)
    project.mai("set")
    project.mai("update")
    project.commit("joined")
    assert project.unsound() == []
    expected = read_tree(make_project(tmp_path / "new/shop", coming, added=["tool:clock"]))
    found = project.tree()
    assert found.pop("notes.txt").startswith(b"mine")
    assert main.read_text(encoding="utf-8").count("# Mine.") == 1
    assert main.read_text(encoding="utf-8").count("# Newer.") == 1
    found["src/shop/main.py"] = found["src/shop/main.py"].replace(b"# Mine.\n", b"")
    made = {path: file.content for path, file in expected.items() if path[:5] != ".mai/"}
    assert found == made
    project.mai("remove", "tool", "clock")
    expected = read_tree(make_project(tmp_path / "newer/shop", coming))
    assert project.tree().keys() - {"notes.txt"} == {p for p in expected if p[:5] != ".mai/"}


def test_more_commands_while_the_index_waits(project: Repository) -> None:
    project.on_branch("theirs", "add", "tool", "rain")
    project.on_branch("mine", "add", "tool", "snow")
    unmerged_in_the_index(project)
    project.mai("add", "tool", "fog")
    joined = project.tree()
    assert project.unsound() == []
    project.mai("add", "agent", "desk")
    project.mai("remove", "agent", "desk")
    assert project.tree() == joined
    project.mai("remove", "tool", "fog")
    assert set(project.unmerged()) >= set(STATE)
    project.commit("joined")
    assert project.unsound() == []
    assert set(read_lock(project.root).instances) == {"agent.assistant", "tool.rain", "tool.snow"}


def test_a_conflict_in_the_manifest_is_joined_when_both_sides_only_added(
    project: Repository,
) -> None:
    project.on_branch("one", "add", "agent", "helper")
    project.on_branch("two", "add", "agent", "support")
    project.git("merge", "--no-edit", "one", may_fail=True)
    assert ".mai/manifest.toml" in project.unmerged()
    for path in project.unmerged():
        if not path.startswith(".mai/"):
            project.keep_both_sides(path)
    project.mai("set")
    assert [i.key for i in read_manifest(project.root).instances][1:] == [
        "agent.helper",
        "agent.support",
    ]
    project.commit("joined")
    assert project.unsound() == []
    assert (project.root / "src/shop/agents/helper/agent.py").is_file()


def test_what_both_sides_want_in_two_ways_stays_a_conflict(project: Repository, mai: Mai) -> None:
    project.on_branch("one", "set", "licence=Apache-2.0")
    project.on_branch("two", "set", "licence=proprietary")
    project.git("merge", "--no-edit", "one", may_fail=True)
    said = mai("set", "--no-install", expect=1)
    assert "settle the conflict in it" in said.stderr


def test_an_undo_in_the_middle_of_a_merge_leaves_nothing_that_waits(project: Repository) -> None:
    project.on_branch("one", "add", "agent", "helper")
    project.git("checkout", "--quiet", "main")
    project.mai("add", "tool", "two")
    project.commit("two")
    project.git("merge", "--no-edit", "one", may_fail=True)
    for path in project.unmerged():
        if not path.startswith(".mai/"):
            project.keep_both_sides(path)
    project.mai("undo", "--theirs")
    project.mai("set")
    project.commit("merged")
    assert project.unsound() == []
    project.mai("add", "tool", "three")
    assert (project.root / "src/shop/tools/three.py").is_file()


def test_a_lost_base_is_taken_from_the_last_commit(project: Repository, mai: Mai) -> None:
    base = project.root / STATE[1]
    before = base.read_bytes()
    base.unlink()
    mai("doctor", "--fix", expect=1)  # there is no uv.lock
    assert base.read_bytes() == before
