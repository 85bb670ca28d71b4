"""What always holds: any project, any edits, any commands; real trees, real merges, real writes."""

import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, currently_in_test_context, given, note, settings
from hypothesis import strategies as st
from mai import names
from mai.commands.app import run
from mai.errors import MaiError
from mai.plan.instances import RESERVED
from mai.plugins.loader import Catalog
from mai.project.reader import read_base, read_lock, read_manifest
from mai.render.engine import render

from tests.apply.steps import look
from tests.conftest import Mai, Said
from tests.update.conftest import with_newer_shelves, with_shelves
from tests.update.installed import LEDGER_MIGRATION, install, release
from tests.update.releases import make_project

Look = dict[str, tuple[int, bytes | str]]

# --- Random wishes --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Added:
    """An instance as one types it."""

    kind: str
    name: str
    component: str
    options: tuple[str, ...] = ()

    @property
    def add(self) -> list[str]:
        options = [part for option in self.options for part in ("-o", option)]
        return ["add", self.kind, self.name, "--from", self.component, *options]

    @property
    def remove(self) -> list[str]:
        return ["remove", self.kind, self.name]

    @property
    def key(self) -> str:
        return f"{self.kind}.{names.parse(self.name).slug}"


def _is_name(text: str) -> bool:
    try:
        module = names.parse(text).module
    except MaiError:
        return False
    return module not in {"assistant", *RESERVED["agent"], *RESERVED["tool"]}


FEW_NAMES = st.sampled_from(["Order Desk", "Café"])
ANY_NAMES = st.builds(
    lambda first, rest, between: between.join([first, *rest]),
    st.sampled_from(["a", "order", "Kasse", "x1", "Café"]),
    st.lists(st.text("abcxyz019", min_size=1, max_size=6), max_size=2),
    st.sampled_from(["-", "_", " "]),
).filter(_is_name)
LINES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=30)
LEDGER = Added("feature", "ledger", "ledger")


@dataclass(frozen=True)
class Sample:
    """How many examples a property is tried on, and what they are made of."""

    examples: int
    names: st.SearchStrategy[str]
    lines: st.SearchStrategy[str]
    phases: tuple[Phase, ...] = (Phase.generate,)

    @property
    def without_kept(self) -> st.SearchStrategy[Added]:
        components = st.sampled_from(["basic", "assistant"])
        briefs = self.lines.map(lambda line: (f"instructions=Say {line}",))
        return st.one_of(
            st.builds(Added, st.just("agent"), self.names, components),
            st.builds(Added, st.just("agent"), self.names, st.just("basic"), briefs),
            st.builds(Added, st.just("tool"), self.names, st.just("basic")),
            st.just(Added("tool", "clock", "clock")),
            st.just(Added("tool", "web-fetch", "web_fetch")),
        )

    @property
    def instances(self) -> st.SearchStrategy[Added]:
        return st.one_of(self.without_kept, st.just(LEDGER))

    def always(self, times: float = 1, **strategies: Any) -> Callable[[Callable[..., None]], None]:
        """Tries a property; on the same examples in every ordinary run."""
        chosen = settings(
            max_examples=round(times * self.examples),
            deadline=None,
            database=None,
            derandomize=self is FEW,
            phases=self.phases,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )
        return lambda holds: chosen(given(**strategies)(holds))()


FEW = Sample(4, FEW_NAMES, st.just("what it is."))
MANY = Sample(60, ANY_NAMES, LINES)
few_and_many = pytest.mark.parametrize(
    "some", [pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=pytest.mark.slow)]
)


def different(instances: st.SearchStrategy[Added], least: int, most: int) -> Any:
    return st.lists(instances, min_size=least, max_size=most, unique_by=lambda one: one.key)


ANSWERS = st.sampled_from(
    [
        ("licence=Apache-2.0", "licence=MIT"),
        ("database=postgresql", "database=sqlite"),
        ("description=Sells books.", "description=An agent service."),
        ("project_title=Book Shop", "project_title=Shop"),
        ("package_name=store", "package_name=shop"),
        ("agent.assistant.model=demo", "agent.assistant.model="),
        ("agent.assistant.instructions=Be kind.", None),
    ]
)

# --- Random edits ---------------------------------------------------------------------------------

EDITED = [
    "README.md",
    "AGENTS.md",
    "pyproject.toml",
    ".env.example",
    "justfile",
    "compose.yaml",
    ".gitignore",
    "src/shop/main.py",
    "src/shop/cli.py",
    "src/shop/shelf.py",
    "src/shop/labels.py",
    "src/shop/prices.py",
    "src/shop/core/settings.py",
    "src/shop/agents/assistant/agent.py",
    "docs/guide.md",
    "docs/größe und maß.md",
    "seed/books.csv",
]
OWN = ["src/shop/own.py", "src/shop/agents/mine/agent.py", "my notes.md", "seed/own.csv"]


@dataclass(frozen=True)
class Edit:
    how: str
    path: str
    at: float
    mark: str

    @property
    def writes(self) -> bool:
        """Whether its mark stands in the project afterwards."""
        return self.how in {"append", "insert", "change", "own"}

    def make(self, root: Path) -> None:
        file = root / self.path
        if self.how == "own":
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"# {self.mark}\n", encoding="utf-8")
        elif self.how == "unlink":
            file.unlink(missing_ok=True)
        elif self.how == "reformat":
            _reformat(root)
        elif file.exists():
            file.write_bytes(self._changed(file.read_bytes()))

    def _changed(self, content: bytes) -> bytes:
        if self.how == "crlf":
            return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        lines = content.splitlines(keepends=True)
        end = b"\r\n" if b"\r\n" in content else b"\n"
        line = b"# " + self.mark.encode() + end
        at = round(self.at * max(0, len(lines) - 1))
        if self.how == "append":
            lines.append(line)
        elif self.how == "insert":
            lines.insert(at, line)
        else:
            lines[at : at + 1] = [line] if self.how == "change" else []
        return b"".join(lines)


def _reformat(root: Path) -> None:
    """Other lines, by the formatter of the project's own environment."""
    settings_ = root / "pyproject.toml"
    if not settings_.exists():
        return
    text = settings_.read_text(encoding="utf-8")
    settings_.write_text(re.sub(r"(?m)^line-length = .*$", "line-length = 70", text), "utf-8")
    ruff = root / ".venv/bin/ruff"
    ruff.parent.mkdir(parents=True, exist_ok=True)
    if not ruff.exists():
        ruff.symlink_to(Path(sysconfig.get_path("scripts")) / "ruff")
    command = [str(ruff), "format", "--quiet", "--no-cache", "src", "tests"]
    subprocess.run(command, cwd=root, check=False, capture_output=True)


def _edits(paths: list[str], *hows: str) -> st.SearchStrategy[Edit]:
    positions = st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
    marks = st.integers(1, 10**9).map("edit-{}".format)
    return st.builds(Edit, st.sampled_from(hows), st.sampled_from(paths), positions, marks)


LINE_EDITS = _edits(EDITED, "append", "insert", "change", "delete")
EDITS = st.lists(
    st.one_of(
        LINE_EDITS,
        LINE_EDITS,
        LINE_EDITS,
        _edits(EDITED, "unlink", "crlf"),
        _edits(["."], "reformat"),
        _edits(OWN, "own"),
    ),
    min_size=1,
    max_size=6,
    unique_by=(lambda edit: edit.mark),
)

# --- The world ------------------------------------------------------------------------------------


@dataclass
class World:
    """Projects, and the command in whichever is the current one."""

    folder: Path
    catalog: Catalog
    newer: Catalog
    template: Path
    call: Mai
    captured: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch
    root: Path

    @contextmanager
    def project(self, *instances: Added) -> Iterator[Path]:
        """A new project, with the instances added by mai, and nothing else in its folder."""
        install(self.catalog, self.patch)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.root = self.folder / "shop"
        shutil.copytree(self.template, self.root)
        self.patch.chdir(self.root)
        if currently_in_test_context():
            note(f"{instances}")
        for instance in instances:
            self.mai(*instance.add)
        beside = self._beside()
        yield self.root
        assert self._beside() == beside

    def _beside(self) -> dict[str, tuple[int, int]]:
        """Size and time of every file that is not in the project, the release's included."""
        folders = self.catalog.core.root, self.folder
        return {
            path: (found.st_size, found.st_mtime_ns)
            for folder in folders
            for at, _, files in os.walk(folder)
            if not at.startswith(str(self.root))
            for path in (f"{at}/{name}" for name in files)
            for found in [Path(path).stat()]
        }

    def mai(self, *argv: str, expect: int = 0) -> Said:
        return self.call(*argv, "--no-install", expect=expect)

    def attempt(self, *argv: str) -> Said | None:
        """What a command says, be it done or a conflict; nothing when it refuses."""
        with pytest.raises(SystemExit) as ended:
            run([*argv, "--json", "--no-install"])
        captured = self.captured.readouterr()
        assert ended.value.code in {None, 0, 1}, captured
        said = Said(int(ended.value.code or 0), captured.out, captured.err)
        return said if said.json()["status"] != "error" else None


@pytest.fixture(scope="module")
def present(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return release(tmp_path_factory.mktemp("present"), "1.0.0", with_shelves)


@pytest.fixture(scope="module")
def coming(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("coming")
    return release(folder, "1.1.0", with_shelves, with_newer_shelves)


@pytest.fixture
def world(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    present: Catalog,
    coming: Catalog,
    mai: Mai,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    template = make_project(tmp_path_factory.mktemp("made") / "shop", present)
    folder = tmp_path / "projects"
    return World(folder, present, coming, template, mai, capfd, monkeypatch, folder / "shop")


def is_whole(root: Path) -> bool:
    """Whether manifest, lock and base belong together."""
    lock = read_lock(root)
    return read_base(root, lock) is not None and read_manifest(root) == lock.manifest


def is_pristine(root: Path, catalog: Catalog) -> bool:
    """Whether an unedited project is what its manifest renders to, and nothing else."""
    found = {path: held for path, (_, held) in look(root).items() if held != "folder"}
    rendered = render(read_manifest(root), catalog).tree
    made = {path: file.content for path, file in rendered.items()}
    return made == {path: held for path, held in found.items() if not path.startswith(".mai/")}


# --- Without edits --------------------------------------------------------------------------------


@few_and_many
def test_add_twice_is_add(world: World, some: Sample) -> None:
    @some.always(instance=some.instances)
    def _(instance: Added) -> None:
        with world.project(instance) as root:
            after = look(root)
            world.mai(*instance.add)
            assert look(root) == after
            assert is_whole(root)
            assert is_pristine(root, world.catalog)


@few_and_many
def test_add_then_remove_is_nothing_and_add_again_is_add(world: World, some: Sample) -> None:
    @some.always(others=different(some.without_kept, 0, 2), instance=some.without_kept)
    def _(others: list[Added], instance: Added) -> None:
        assume(instance.key not in {other.key for other in others})
        with world.project(*others) as root:
            before = look(root)
            world.mai(*instance.add)
            added = look(root)
            world.mai(*instance.remove)
            assert look(root) == before
            world.mai(*instance.add)
            assert look(root) == added


@few_and_many
def test_kept_files_stay_as_they_are_and_are_told(world: World, some: Sample) -> None:
    @some.always(others=different(some.without_kept, 0, 2), edits=st.booleans())
    def _(others: list[Added], edits: bool) -> None:
        with world.project(*others) as root:
            before = look(root)
            world.mai(*LEDGER.add)
            migration = root / LEDGER_MIGRATION
            if edits:
                migration.write_bytes(migration.read_bytes() + b"# mine\n")
            kept, added = migration.read_bytes(), look(root)
            assert LEDGER_MIGRATION in world.mai(*LEDGER.remove).stderr
            assert migration.read_bytes() == kept
            migration.unlink()
            migration.parent.rmdir()
            assert look(root) == before
            migration.parent.mkdir()
            migration.write_bytes(kept)
            world.mai(*LEDGER.add)
            assert look(root) == added


def test_a_file_that_is_the_users_at_once_survives_everything_but_theirs(world: World) -> None:
    with world.project(LEDGER) as root:
        own = root / "ledger.toml"
        own.write_bytes(b'accounts = ["cash", "bank"]\n')
        world.mai("set", "licence=Apache-2.0")
        install(world.newer, world.patch)
        world.mai("update")
        assert b"bank" in own.read_bytes()
        world.mai(*LEDGER.remove)
        assert b"bank" in own.read_bytes()
        world.mai(*LEDGER.add)
        assert b"bank" in own.read_bytes()
        world.mai(*LEDGER.remove, "--theirs")
        assert not own.exists()
        world.mai("undo")
        assert b"bank" in own.read_bytes()


@few_and_many
def test_the_order_of_adds_does_not_matter(world: World, some: Sample) -> None:
    @some.always(instances=different(some.instances, 2, 4), data=st.data())
    def _(instances: list[Added], data: st.DataObject) -> None:
        with world.project(*instances) as root:
            one = look(root)
        with world.project(*data.draw(st.permutations(instances))) as root:
            assert look(root) == one


@few_and_many
def test_set_and_set_back_is_nothing(world: World, some: Sample) -> None:
    @some.always(others=different(some.instances, 0, 2), answer=ANSWERS)
    def _(others: list[Added], answer: tuple[str, str | None]) -> None:
        there, back = answer
        with world.project(*others) as root:
            before = look(root)
            if back is None:
                key = there.partition("=")[0]
                stated = read_manifest(root).get("agent.assistant")
                assert stated is not None
                back = f"{key}={stated.answers[key.rpartition('.')[2]]}"
            world.mai("set", there)
            assert look(root) != before
            assert is_whole(root)
            assert is_pristine(root, world.catalog)
            world.mai("set", back)
            assert look(root) == before


@few_and_many
def test_rendering_twice_gives_the_same_bytes(world: World, some: Sample) -> None:
    @some.always(0.4, instances=different(some.instances, 0, 4))
    def _(instances: list[Added]) -> None:
        with world.project(*instances) as root:
            manifest = read_manifest(root)
        world.patch.undo()
        assert render(manifest, world.catalog) == render(manifest, world.catalog)


@st.composite
def commands(draw: st.DrawFn, some: Sample) -> list[list[str]]:
    """A life: adds, removals of what is there, answers, updates."""
    there: dict[str, Added] = {}
    life: list[list[str]] = []
    for _ in range(draw(st.integers(2, 6))):
        what = draw(st.sampled_from(["add", "add", "remove", "set", "update"]))
        if what == "add":
            instance = draw(some.instances.filter(lambda one: one.key not in there))
            there[instance.key] = instance
            life.append(instance.add)
        elif what == "remove" and there:
            key = draw(st.sampled_from(sorted(there)))
            life.append(there.pop(key).remove)
        elif what == "set":
            life.append(["set", draw(ANSWERS)[0]])
        elif what == "update":
            life.append(["update"])
    return life


@few_and_many
def test_every_change_can_be_undone_back_to_the_start(world: World, some: Sample) -> None:
    @some.always(life=commands(some))
    def _(life: list[list[str]]) -> None:
        with world.project() as root:
            seen = [look(root)]
            note(f"{life}")
            for argv in life:
                if argv == ["update"]:
                    install(world.newer, world.patch)
                world.mai(*argv)
                assert is_whole(root)
                if look(root) != seen[-1]:
                    seen.append(look(root))
            while len(seen) > 1:
                assert look(root) == seen.pop()
                world.mai("undo")
            assert look(root) == seen[0]
            assert "there is nothing to undo" in world.mai("undo", expect=1).stderr


# --- With edits -----------------------------------------------------------------------------------


def make(edits: list[Edit], root: Path) -> dict[str, str]:
    """Makes the edits; mark -> path of those that stand in the project afterwards."""
    note(f"{edits}")
    for edit in edits:
        edit.make(root)
    texts = everything(root)
    return {
        edit.mark: path
        for edit in edits
        for path, content in texts.items()
        if edit.writes and _holds(content, edit.mark)
    }


def everything(root: Path) -> dict[str, bytes]:
    return {
        path: held
        for path, (_, held) in look(root).items()
        if isinstance(held, bytes) and not path.startswith((".mai/", ".venv/"))
    }


def _holds(content: bytes, mark: str) -> bool:
    return re.search(rb"\b%s\b" % mark.encode(), content) is not None


def lost(root: Path, marks: dict[str, str]) -> list[str]:
    """The marks that are nowhere in the project any more."""
    texts = everything(root).values()
    return [mark for mark in marks if not any(_holds(text, mark) for text in texts)]


def unreported(root: Path, said: Said) -> list[str]:
    """The files with conflict markers of which the command did not tell."""
    told = said.json()
    reported = {o["path"] for o in told["outcomes"] if o["action"] == "conflict"}
    assert said.exit_code == (1 if reported else 0)
    return [
        path
        for path, content in everything(root).items()
        if b"\n<<<<<<< " in b"\n" + content and path not in reported
    ]


@few_and_many
def test_no_edit_is_lost_by_an_update(world: World, some: Sample) -> None:
    @some.always(4, others=different(some.instances, 0, 1), edits=EDITS)
    def _(others: list[Added], edits: list[Edit]) -> None:
        with world.project(*others) as root:
            marks = make(edits, root)
            before = everything(root)
            install(world.newer, world.patch)
            said = world.attempt("update")
            assert said is not None
            assert lost(root, marks) == []
            assert unreported(root, said) == []
            notes = {o["path"]: o.get("notes") for o in said.json()["outcomes"]}
            for edit in edits:
                if edit.how == "unlink" and edit.path not in before:
                    assert not (root / edit.path).exists() or notes[edit.path]
            after = everything(root)
            world.mai("undo")
            assert everything(root) == before, notes
            assert after.keys() >= {path for path in OWN[:3] if path in before}


@few_and_many
def test_no_edit_is_lost_by_any_command_and_undo(world: World, some: Sample) -> None:
    @some.always(2, edits=EDITS, life=commands(some))
    def _(edits: list[Edit], life: list[list[str]]) -> None:
        with world.project() as root:
            marks = make(edits, root)
            before = everything(root)
            done = 0
            note(f"{life}")
            for argv in life[:3]:
                if argv == ["update"]:
                    install(world.newer, world.patch)
                said = world.attempt(*argv)
                if said is None:
                    continue
                assert lost(root, marks) == []
                assert unreported(root, said) == []
                done += said.json()["status"] != "unchanged"
                if said.exit_code:
                    break
            for _ in range(done):
                world.mai("undo")
            assert everything(root) == before


@few_and_many
def test_edits_after_a_command_survive_its_undo(world: World, some: Sample) -> None:
    @some.always(2, edits=EDITS, instance=some.instances)
    def _(edits: list[Edit], instance: Added) -> None:
        with world.project() as root:
            make(edits, root)
            expected = everything(root)
        with world.project(instance) as root:
            touched = {path for path in everything(root) if expected.get(path) is None}
            marks = make(edits, root)
            said = world.attempt("undo")
            if said is None:
                # Lines that the command wrote were edited since: it asks, and nothing happens.
                assert lost(root, marks) == []
                return
            assert lost(root, marks) == []
            shared = {"README.md", "AGENTS.md", "pyproject.toml", ".env.example"}
            for path in expected.keys() - shared - touched:
                assert everything(root)[path] == expected[path], path
