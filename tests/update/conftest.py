"""An old project, a newer mai, and the user between them.

Both releases are made of one snapshot of this checkout, with a few files added whose every line the
tests know. The newer one changes, removes, renames, moves and adds some of them.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from dataclasses import replace as changed_value
from pathlib import Path
from typing import Any, Protocol

import pluggy
import pytest
from mai.plugins import hookspecs, loader
from mai.plugins.host import Plugin, Provider
from mai.plugins.installed import OWN_DISTRIBUTION
from mai.plugins.loader import Catalog
from mai.project.tree import File
from mai.render import engine

from tests.conftest import Mai, Said
from tests.update import releases

OLD, NEW = "0.1.0", "0.9.0"
PACKAGE = "src/{{package_name}}"

SHELF = '''\
"""Where books stand."""

WIDTH_CM = 90


def books_per_shelf(width_cm: int, thickness_cm: int) -> int:
    """How many books of one thickness stand side by side on a shelf."""
    return width_cm // thickness_cm


def shelf_of(number: int, books: int = books_per_shelf(width_cm=WIDTH_CM, thickness_cm=3)) -> int:
    """The shelf of a book by its number, the first being 0."""
    return number // books


def is_full(count: int) -> bool:
    """Whether no other book fits."""
    return count >= books_per_shelf(WIDTH_CM, 3)
'''
LABELS = '''\
"""What is written on the back of a book."""


def label(author: str, title: str, year: int, *, separator: str = " - ", ending: str = "…") -> str:
    """The label of a book, short enough for its back."""
    words = [author.upper(), title, str(year)]
    text = separator.join(word for word in words if word)
    return text if len(text) <= 40 else text[:39] + ending
'''
PRICES = '''\
"""What books cost."""

VAT_PERCENT = 7


def with_vat(net_cents: int) -> int:
    """The price that a customer pays, in cents."""
    return net_cents * (100 + VAT_PERCENT) // 100


def discounted(gross_cents: int, percent: int) -> int:
    """The price after a discount of some per cent."""
    return gross_cents * (100 - percent) // 100
'''
RETURNS = '"""What comes back."""\n\nDAYS = 14\n'
SEED = "".join(f"{number};title {number};author {number}\n" for number in range(20))
GUIDE = "".join(f"Sentence {number} of the guide.\n" for number in range(12))
LATIN = "".join(f"Stra\u00dfe {number}\n" for number in range(12)).encode("latin-1")
LOGO = b"\x89PNG\r\n\x1a\n\0" + bytes(range(256))
ENV = (
    "\n# --- Shelf ---\n# Books on one shelf.\nSHELF_SIZE=10\n# Shelves in a room.\nSHELF_ROOMS=3\n"
)


def _put(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def replace(path: Path, old: str, new: str) -> None:
    """Replaces text that stands once in a file."""
    content = path.read_bytes().decode()
    assert content.count(old) == 1, f"{old!r} in {path}"
    path.write_bytes(content.replace(old, new).encode())


def with_shelves(folder: Path) -> None:
    """The files that the tests know, added to a template."""
    template = folder / "template"
    for name, text in {"shelf": SHELF, "labels": LABELS, "prices": PRICES}.items():
        _put(template / PACKAGE / f"{name}.py", text)
    _put(template / "seed/books.csv", SEED)
    _put(template / "seed/load.sh", "#!/bin/sh\ncat seed/books.csv\n")
    _put(template / "docs/guide.md", GUIDE)
    _put(template / "docs/größe und maß.md", GUIDE)
    _put(template / "docs/latin.txt", LATIN)
    _put(template / "docs/logo.png", LOGO)
    _put(template / "docs/icon.png", LOGO * 2)
    _put(template / "docs/empty.txt", "")
    env = template / ".env.example.jinja"
    _put(env, env.read_text(encoding="utf-8").rstrip("\n") + "\n" + ENV)


def with_newer_shelves(folder: Path) -> None:
    """What 0.9.0 makes of them."""
    template = folder / "template"
    package = template / PACKAGE
    replace(package / "shelf.py", "WIDTH_CM = 90", "WIDTH_CM = 120")
    (package / "labels.py").unlink()
    (package / "prices.py").rename(package / "pricing.py")
    replace(package / "pricing.py", "VAT_PERCENT = 7\n", "VAT_PERCENT = 19\n")
    _put(package / "returns.py", RETURNS)
    (template / "seed").rename(template / "samples")
    replace(template / "samples/load.sh", "cat seed/", "cat samples/")
    replace(template / "docs/guide.md", "Sentence 3 of", "Sentence 3 (new) of")
    replace(template / "docs/größe und maß.md", "Sentence 3 of", "Sentence 3 (neu) of")
    _put(template / "docs/latin.txt", LATIN.replace(b" 3\n", b" 3 (neu)\n"))
    _put(template / "docs/logo.png", LOGO + b"new")
    (template / "docs/icon.png").unlink()
    _put(template / "docs/images/icon.png", LOGO * 2 + b"icon")
    _put(template / "docs/empty.txt", "not empty any more\n")
    replace(template / ".env.example.jinja", "# Shelves in a room.\nSHELF_ROOMS=3\n", "")
    replace(
        template / ".env.example.jinja",
        "SHELF_SIZE=10\n",
        "SHELF_SIZE=10\n# In cm.\nSHELF_CM=120\n",
    )
    requirements = template / "pyproject.toml.jinja"
    replace(requirements, '"structlog>=25.5"', '"structlog>=25.6"')


@pytest.fixture(scope="session")
def rendered_once() -> Iterator[None]:
    """Copier renders each template with the same answers once: no release here changes later."""
    render, kept = engine._rendered, dict[str, dict[str, File]]()

    def once(owner: str, template: Path, context: Mapping[str, Any]) -> dict[str, File]:
        key = repr((template, context))
        if key not in kept:
            kept[key] = render(owner, template, context)
        return dict(kept[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_rendered", once)
        yield


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources of the old release."""
    folder = tmp_path_factory.mktemp("old")
    releases.newer(folder, OLD, with_shelves)
    return folder


@pytest.fixture(scope="session")
def old(snapshot: Path) -> Catalog:
    return releases.catalog_of(snapshot, OLD)


def with_plugin(catalog: Catalog, plugin: object) -> Catalog:
    """`catalog` with the hooks of `plugin`, which offers all of its components."""
    manager = pluggy.PluginManager("mai")
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    name = f"{OWN_DISTRIBUTION}:tests"
    offered = dict.fromkeys(catalog.components, name)
    provider = Provider(OWN_DISTRIBUTION, catalog.core.version)
    return changed_value(
        catalog, hooks={name: Plugin(name, provider, "tests", manager.hook)}, plugins=offered
    )


class Release(Protocol):
    def __call__(
        self, version: str, *changes: Callable[[Path], object], plugin: object = None
    ) -> Catalog: ...


@pytest.fixture(scope="session")
def release(snapshot: Path, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Makes a newer release: a version, what it changes in a copy of the old sources, its hooks."""

    def make(version: str, *changes: Callable[[Path], object], plugin: object = None) -> Catalog:
        folder = tmp_path_factory.mktemp("release") / version
        shutil.copytree(snapshot, folder)
        for change in changes:
            change(folder)
        return with_plugin(releases.catalog_of(folder, version), plugin or object())

    return make


@pytest.fixture(scope="session")
def newest(release: Release) -> Catalog:
    """mai 0.9.0."""
    return release(NEW, with_newer_shelves)


@pytest.fixture(scope="session")
def made(old: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the old release, to be copied."""
    return releases.make_project(tmp_path_factory.mktemp("made") / "shop", old)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[[Catalog], None]:
    """Installs another mai."""

    def install(catalog: Catalog) -> None:
        monkeypatch.setattr(loader, "load_catalog", lambda: catalog)

    return install


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's machine: a name for git."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "A")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@b.c")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


@pytest.fixture
def project(made: Path, tmp_path: Path, mai: Mai, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of mai 0.1.0, which is the current folder; it has no repository."""
    root = tmp_path / "shop"
    shutil.copytree(made, root)
    monkeypatch.chdir(root)
    return root


@dataclass
class User:
    """Edits a project by hand, and looks for every edit afterwards."""

    root: Path
    _marks: list[bytes] = field(default_factory=list)
    _absent: list[str] = field(default_factory=list)

    def path(self, path: str) -> Path:
        return self.root / path

    def read(self, path: str) -> str:
        return self.path(path).read_bytes().decode()

    def replaces(self, path: str, old: str, new: str) -> None:
        """Changes one line; `new` stands nowhere else."""
        replace(self.path(path), old, new)
        self._marks.append(new.encode())

    def appends(self, path: str, text: str = "") -> None:
        text = text or f"MINE_{len(self._marks)} = 1\n"
        self.writes(path, self.path(path).read_bytes() + text.encode(), text.encode())

    def writes(self, path: str, content: str | bytes, mark: bytes | None = None) -> None:
        """A whole file; `mark` is what must be found again, by default all of it."""
        content = content.encode() if isinstance(content, str) else content
        _put(self.path(path), content)
        self._marks.append(content if mark is None else mark)

    def expects(self, mark: bytes) -> None:
        """What must be found again of an edit that was made otherwise."""
        self._marks.append(mark)

    def deletes(self, path: str) -> None:
        self.path(path).unlink()
        self._absent.append(path)

    def moves(self, path: str, to: str) -> None:
        """The move is an edit: the file has to stay where it was put."""
        self.path(to).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).rename(self.path(to))
        self._absent.append(path)

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """On another branch, where none of the edits so far are."""
        marks, self._marks = self._marks, []
        yield
        self._marks = [*marks, *self._marks]

    def loses_nothing(self, told: str = "") -> None:
        """Every edit is in a file, line ends aside; a deleted file is still deleted.

        In a conflict both versions stand in the file, so that an edit is found there, too.
        """
        found = [content.replace(b"\r\n", b"\n") for content in files(self.root).values()]
        for mark in self._marks:
            text = mark.replace(b"\r\n", b"\n")
            assert any(text in content for content in found), f"lost: {mark!r}\n{told}"
        for path in self._absent:
            assert not self.path(path).exists(), f"came back: {path}\n{told}"


@pytest.fixture
def user(project: Path) -> User:
    return User(project)


class Command:
    """Runs a command of the newer mai without network; no edit may be lost by it."""

    def __init__(self, mai: Mai, user: User) -> None:
        self._mai, self._user = mai, user

    def __call__(self, *argv: str, expect: int = 0) -> Said:
        said = self._mai(*argv, "--no-install", expect=expect)
        self._user.loses_nothing(said.stderr)
        return said

    def failing_checks(self, command: str = "check") -> list[str]:
        """What `mai check` finds to be wrong, but for uv.lock: mai does not write it, uv does."""
        return [one["name"] for one in self._failing(command)]

    def mends(self, command: str = "check") -> str:
        """How `mai check` or `mai doctor` tells to mend what is wrong."""
        return "\n".join(one["mend"] for one in self._failing(command))

    def _failing(self, command: str) -> list[dict[str, Any]]:
        checks = self._mai(command, "--json", expect=1).json()["checks"]
        return [one for one in checks if not one["ok"] and one["name"] != "uv.lock"]


@pytest.fixture
def run(mai: Mai, user: User, newest: Catalog, installed: Callable[[Catalog], None]) -> Command:
    """`run("update")` in the project, by mai 0.9.0."""
    installed(newest)
    return Command(mai, user)


def files(root: Path) -> dict[str, bytes]:
    """Every file but those of git, of undo and of virtual environments; links are followed."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not {".undo", ".git", ".venv"} & set(path.relative_to(root).parts)
    }


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    """The paths that differ, `.mai/` aside."""
    paths = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    return {path for path in paths if not path.startswith(".mai/")}


def git(root: Path, *arguments: str, check: bool = True) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    assert not check or done.returncode == 0, done.stderr
    return done.stdout


def committed(root: Path, message: str = "work") -> Path:
    """`root` as a repository whose last commit holds everything."""
    if not git(root, "rev-parse", "--git-dir", check=False):
        git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "-m", message)
    return root


def lock_of(root: Path) -> Any:
    return json.loads((root / ".mai/lock.json").read_text(encoding="utf-8"))


def manifest_of(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / ".mai/manifest.toml").read_text(encoding="utf-8"))


def tool(name: str) -> Path:
    """A program of this environment."""
    return Path(sys.executable).with_name(name)
