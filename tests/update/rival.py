"""The same edits under `mai update` and under `copier update`: prints a Markdown table.

`python -m tests.update.rival` makes one template with two releases (a repository with two tags for
Copier), an old project for each row and each command, edits it, updates it, and looks for what was
edited and for what the newer release brings.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from mai.project.reader import COPIER_ANSWERS

from tests.conftest import ROOT
from tests.update import releases
from tests.update.conftest import (
    GUIDE,
    LATIN,
    LOGO,
    NEW,
    OLD,
    RETURNS,
    User,
    committed,
    files,
    git,
    replace,
    tool,
    with_newer_shelves,
    with_shelves,
)

SHELF_PY, LABELS_PY, PRICES_PY, RETURNS_PY = (
    f"src/shop/{name}.py" for name in ("shelf", "labels", "prices", "returns")
)
GUIDE_MD, SPACED_MD, LATIN_TXT = "docs/guide.md", "docs/größe und maß.md", "docs/latin.txt"
WIDER, GUIDED, VAT = b"WIDTH_CM = 120", b"Sentence 3 (new)", b"VAT_PERCENT = 19"


@dataclass(frozen=True)
class Row:
    name: str
    edit: Callable[[User], object]
    brings: tuple[bytes, ...] = ()
    """What of the newer release must be in the project, or in a conflict."""
    leaves: tuple[str, ...] = ()
    """Files that must be gone: the newer release has dropped them, and nobody edited them."""
    state: str = "committed"
    """Of the project's repository: committed, dirty, staged, none, monorepo, shallow or CRLF."""


def elsewhere(user: User, path: str = SHELF_PY) -> None:
    user.replaces(path, "no other book fits", "no other book of mine fits")


def same_lines(user: User) -> None:
    user.replaces(SHELF_PY, "WIDTH_CM = 90", "WIDTH_CM = 75")
    user.replaces(GUIDE_MD, "Sentence 3 of the guide.", "My sentence 3.")
    user.replaces(SPACED_MD, "Sentence 3 of the guide.", "My other sentence 3.")


def discount(user: User, path: str = PRICES_PY) -> None:
    user.replaces(path, "after a discount", "after my discount")


def own_book(user: User) -> None:
    user.replaces("seed/books.csv", "4;title 4;", "4;my title;")


def moved_shelf(user: User) -> None:
    user.moves(SHELF_PY, "src/shop/core/shelf.py")
    elsewhere(user, "src/shop/core/shelf.py")


def moved_prices(user: User) -> None:
    user.moves(PRICES_PY, "src/shop/core/prices.py")
    discount(user, "src/shop/core/prices.py")


def formatted(user: User, name: str) -> None:
    settings = user.path("pyproject.toml")
    if name == "ruff":
        replace(settings, "line-length = 100", "line-length = 79")
        command = [str(tool("ruff")), "format", "--quiet", "--no-cache", "."]
    else:
        replace(settings, "[tool.ruff]\n", "[tool.black]\nline-length = 60\n\n[tool.ruff]\n")
        command = [str(tool("black")), "--quiet", "."]
    subprocess.run(command, cwd=user.root, check=True)
    elsewhere(user)


def syntax_error(user: User) -> None:
    user.appends(SHELF_PY, "def half(:\n")


def linked(user: User) -> None:
    user.path(GUIDE_MD).rename(user.path("docs/real.md"))
    user.path(GUIDE_MD).symlink_to("real.md")
    user.replaces("docs/real.md", "Sentence 9 of", "My sentence 9 of")


def linked_outside(user: User) -> None:
    outside = user.root.parent / "outside.md"
    outside.write_text(GUIDE + "Somebody else's.\n", encoding="utf-8")
    user.path(GUIDE_MD).unlink()
    user.path(GUIDE_MD).symlink_to(outside)


def latin(user: User) -> None:
    mine = "mäh 9\n".encode("latin-1")
    user.writes(LATIN_TXT, LATIN.replace(b" 9\n", mine), mine)


def read_only(user: User) -> None:
    elsewhere(user)
    user.path(SHELF_PY).chmod(0o444)


def keys(user: User) -> None:
    user.replaces(".env.example", "SHELF_SIZE=10", "SHELF_SIZE=12")
    user.replaces(".env.example", "SHELF_ROOMS=3", "SHELF_ROOMS=8")


def requirements(user: User) -> None:
    replace(user.path("pyproject.toml"), '    "typer>=', '    "tablib",\n    "typer>=')
    user.expects(b'"tablib"')


ROWS = [
    Row("edit elsewhere in the file", elsewhere, (WIDER,)),
    Row("edit of the same lines, in three files", same_lines, (WIDER, GUIDED)),
    Row("dependency added beside one that is newer", requirements, (b"structlog>=25.6",)),
    Row("keys of `.env.example` changed beside new ones", keys, (b"SHELF_CM=120",)),
    Row("template deletes a file, unedited", lambda _: None, (WIDER,), (LABELS_PY,)),
    Row("template deletes a file, edited", lambda user: user.appends(LABELS_PY), (WIDER,)),
    Row("template renames a file, edited", discount, (VAT,), (PRICES_PY,)),
    Row("template moves a folder, a file in it edited", own_book, (b"cat samples/",)),
    Row(
        "template moves a folder with a file of one's own",
        lambda user: user.writes("seed/mine.csv", "mine;all mine\n"),
        (b"cat samples/",),
        ("seed/books.csv",),
    ),
    Row(
        "binary, both changed",
        lambda user: user.writes("docs/logo.png", LOGO + b"mine"),
        (LOGO + b"new",),
    ),
    Row("user deletes a file that the template changes", lambda user: user.deletes(GUIDE_MD)),
    Row("user moves and edits a file", moved_shelf, (WIDER,)),
    Row("both move a file, the user edits it", moved_prices, (VAT,)),
    Row(
        "both add a file",
        lambda user: user.writes(RETURNS_PY, '"""Mine."""\n\nDAYS = 30\n', b"DAYS = 30"),
        (RETURNS.splitlines()[-1].encode(),),
    ),
    Row("dirty tree", elsewhere, (WIDER,), state="dirty"),
    Row(
        "untracked file where the template adds one",
        lambda user: user.writes(RETURNS_PY, '"""Mine."""\n\nDAYS = 30\n', b"DAYS = 30"),
        (RETURNS.splitlines()[-1].encode(),),
        state="dirty",
    ),
    Row("edit is staged only", elsewhere, (WIDER,), state="staged"),
    Row("no git repository", elsewhere, (WIDER,), state="none"),
    Row("shallow clone", elsewhere, (WIDER,), state="shallow"),
    Row("subfolder of a monorepo", elsewhere, (WIDER,), state="monorepo"),
    Row("CRLF checkout", elsewhere, (WIDER,), (LABELS_PY,), state="CRLF"),
    Row(
        "formatted by ruff, other line length",
        lambda u: formatted(u, "ruff"),
        (WIDER,),
        (LABELS_PY,),
    ),
    Row("formatted by black", lambda user: formatted(user, "black"), (WIDER,), (LABELS_PY,)),
    Row("file with a syntax error", syntax_error, (WIDER,)),
    Row("file that is not UTF-8", latin, (b" 3 (neu)",)),
    Row(
        "empty file that both filled",
        lambda user: user.writes("docs/empty.txt", "mine and mine\n"),
        (b"not empty any more",),
    ),
    Row(
        "spaces and umlauts in the path",
        lambda user: user.replaces(SPACED_MD, "Sentence 9 of", "My sentence 9 of"),
        (b"Sentence 3 (neu)",),
    ),
    Row("read-only file", read_only, (WIDER,)),
    Row("linked file, inside the project", linked, (GUIDED,)),
    Row("linked file that leads out", linked_outside, (GUIDED,)),
]


@dataclass(frozen=True)
class Updater:
    """One of the two commands."""

    made: Path
    """Its old project."""
    command: list[str]
    environment: dict[str, str]

    def result(self, row: Row, folder: Path) -> str:
        """What became of the edits of `row`, in words."""
        user = self._edited(row, folder)
        before, index = files(user.root), git(user.root, "ls-files", "--stage", check=False)
        done = subprocess.run(
            self.command,
            cwd=user.root,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        after = files(user.root)
        if done.returncode and after == before:
            return f"refused: {_reason(said)}"
        staged = git(user.root, "ls-files", "--stage", check=False)
        is_other_index = row.state == "staged" and staged != index
        return "; ".join([*_judged(user, row, said, before), *["index changed"][:is_other_index]])

    def _edited(self, row: Row, folder: Path) -> User:
        folder = folder.resolve()
        user = User(folder / "shop")
        shutil.copytree(self.made, user.root)
        if row.state == "none":
            row.edit(user)
            return user
        top = folder if row.state == "monorepo" else user.root
        committed(top)
        if row.state == "CRLF":
            user.root = _clone(user.root, "--config", "core.autocrlf=true")
        row.edit(user)
        if row.state == "staged":
            git(user.root, "add", "--all")
        elif row.state != "dirty":
            committed(top if row.state == "monorepo" else user.root)
        if row.state == "shallow":
            user.root = _clone(user.root, "--depth", "1")
        return user


def _clone(root: Path, *options: str) -> Path:
    clone = root.with_name("clone")
    git(root.parent, "clone", "--quiet", *options, root.as_uri(), str(clone))
    return clone


def _reason(said: str) -> str:
    lines = [
        line for line in said.splitlines() if line.strip() and not line.startswith("Rendering")
    ]
    told = next((x for x in lines if "error" in x.lower()), lines[-1] if lines else "")
    told = re.sub(r"/[\w/.-]*/", "", told).partition(";")[0]
    return re.sub(r"^\w*[Ee]rror: ", "", told).replace("|", " ")[:100]


def _judged(user: User, row: Row, said: str, before: dict[str, bytes]) -> Iterator[str]:
    after = files(user.root)
    fresh = {path: content for path, content in after.items() if before.get(path) != content}
    conflicts = {path for path, content in fresh.items() if _in_conflict(path, content)}
    edits = _edits(user)
    if conflicts:
        yield _how_reported(user, conflicts, said)
    if edits != "kept" or not conflicts:
        yield edits
    if any(not any(text in content for content in after.values()) for text in row.brings):
        is_told = re.search(r"(?m)^\s*(skip|conflict)\s", said)
        yield (
            "the newer part is missing, told" if is_told else "the newer part is missing, not told"
        )
    if stays := [path for path in row.leaves if path in after]:
        yield f"{', '.join(Path(path).name for path in stays)} stays for ever"


def _edits(user: User) -> str:
    try:
        user.loses_nothing()
    except AssertionError as lost:
        return "deletion undone" if str(lost).startswith("came back") else "**lost silently**"
    return "kept"


def _how_reported(user: User, conflicts: set[str], said: str) -> str:
    options = ["-c", "core.quotepath=off", "diff", "--relative", "--name-only", "--diff-filter=U"]
    unmerged = set(git(user.root, *options, check=False).splitlines())
    if all(_is_told(path, said) for path in conflicts):
        return "conflict, reported"
    if conflicts <= unmerged:
        return "conflict, shown by `git status`"
    return "conflict, **not reported**"


def _in_conflict(path: str, content: bytes) -> bool:
    return b"<<<<<<< " in content or path.endswith(".rej")


def _is_told(path: str, said: str) -> bool:
    shown = path.removesuffix(".rej").replace("\\", "/")
    return any("conflict" in line and shown in line for line in said.splitlines())


def _copier(sources: Path, folder: Path) -> Updater:
    """A repository with both releases as tags, and the project that Copier makes of the first."""
    repository = folder / "template"
    shutil.copytree(sources, repository)
    committed(repository, OLD)
    git(repository, "tag", OLD)
    with_newer_shelves(repository)
    committed(repository, NEW)
    git(repository, "tag", NEW)
    command = [str(tool("copier")), "copy", "--quiet", "--defaults", "--vcs-ref", OLD]
    command += ["--data", "project_name=shop", str(repository), str(folder / "shop")]
    subprocess.run(command, check=True)
    answers = ["--answers-file", COPIER_ANSWERS]
    command = [str(tool("copier")), "update", "--defaults", *answers]
    return Updater(folder / "shop", command, {})


def _mai(sources: Path, folder: Path) -> Updater:
    """A newer mai, and the project that the older one makes."""
    project = releases.make_project(folder / "shop", releases.catalog_of(sources, OLD))
    newer = folder / "newer"
    shutil.copytree(sources, newer)
    shutil.copytree(ROOT / "cli", newer / "cli", ignore=shutil.ignore_patterns("__pycache__"))
    with_newer_shelves(newer)
    (newer / "cli/mai/__init__.py").write_text(f'__version__ = "{NEW}"\n', encoding="utf-8")
    command = [sys.executable, "-m", "mai", "update", "--no-install"]
    return Updater(project, command, {"PYTHONPATH": str(newer / "cli")})


def main() -> None:
    for role in ("AUTHOR", "COMMITTER"):
        os.environ |= {f"GIT_{role}_NAME": "A", f"GIT_{role}_EMAIL": "a@b.c"}
    os.environ["GIT_CONFIG_GLOBAL"] = os.devnull
    os.environ["PATH"] = os.pathsep.join([str(tool("ruff").parent), os.environ["PATH"]])
    with tempfile.TemporaryDirectory(prefix="rival-") as scratch:
        folder = Path(scratch)
        releases.newer(folder / "sources", OLD, with_shelves)
        updaters = [make(folder / "sources", _made(folder)) for make in (_mai, _copier)]
        sys.stdout.write(f"| edit | `mai update` | `copier update` {version('copier')} |\n")
        sys.stdout.write("|---|---|---|\n")
        for row in ROWS:
            told = [updater.result(row, _made(folder)) for updater in updaters]
            sys.stdout.write(f"| {row.name} | {' | '.join(told)} |\n")


def _made(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=folder))


if __name__ == "__main__":
    main()
