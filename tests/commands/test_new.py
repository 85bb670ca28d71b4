import io
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from mai.programs import uv
from mai.project.tree import from_archive, read_tree

from tests.conftest import Mai

QUICK = ("--defaults", "--no-install", "--no-git")


def test_a_project_is_made_where_its_name_says(mai: Mai) -> None:
    said = mai("new", "My Shop", *QUICK)
    assert Path("my-shop/src/my_shop/main.py").is_file()
    assert "Made my-shop in my-shop" in said.stderr
    assert said.stderr.rstrip().splitlines()[-3:] == [
        "  cd my-shop",
        f"  {uv.shown()} run my-shop init",
        f"  {uv.shown()} run my-shop serve",
    ]


def test_it_writes_manifest_lock_and_base(mai: Mai) -> None:
    mai("new", "shop", *QUICK, "--preset", "minimal")
    state = Path("shop/.mai")
    manifest = tomllib.loads((state / "manifest.toml").read_text(encoding="utf-8"))
    assert manifest["project"]["package_name"] == "shop"
    assert manifest["agent"]["assistant"]["from"] == "agent/basic"

    base = from_archive((state / "base.tar.gz").read_bytes())
    written = read_tree(Path("shop"))
    lock = json.loads((state / "lock.json").read_text(encoding="utf-8"))
    rendered = {path for path in written if not path.startswith(".mai/") and path != "uv.lock"}
    assert set(base) == set(lock["files"]) == rendered
    assert all(written[path] == file for path, file in base.items())
    assert all(lock["files"][path]["sha"] == file.blob_sha for path, file in base.items())
    owners = {entry["owner"] for entry in lock["files"].values()}
    assert owners == {"core", "agent.assistant"}
    assert lock["instances"]["agent.assistant"]["provider"] == "mai-framework"


def test_two_runs_give_the_same_bytes(mai: Mai) -> None:
    mai("new", "shop", *QUICK, "--into", "one")
    mai("new", "shop", *QUICK, "--into", "two")
    assert read_tree(Path("one")) == read_tree(Path("two"))


def test_nothing_that_is_secret_is_rendered(mai: Mai) -> None:
    mai("new", "shop", *QUICK, "--preset", "full")
    assert not Path("shop/.env").exists()
    assert Path("shop/.env.example").is_file()
    assert ".mai/lock.json -merge" in Path("shop/.gitattributes").read_text(encoding="utf-8")


def test_a_dry_run_shows_every_file_and_writes_nothing(mai: Mai) -> None:
    said = mai("new", "shop", *QUICK, "--dry-run")
    assert "   create  src/shop/main.py\n" in said.stdout
    assert "+++ b/src/shop/main.py\n" in said.stdout
    assert said.stdout.rstrip().endswith("to create; nothing was written")
    assert list(Path().iterdir()) == []


def test_a_dry_run_in_json_tells_the_same_files_as_the_real_one(mai: Mai) -> None:
    planned = mai("new", "shop", *QUICK, "--dry-run", "--json").json()
    done = mai("new", "shop", *QUICK, "--json").json()
    assert planned["status"] == "planned"
    assert done["status"] == "done"
    assert all(outcome.pop("diff") is not None for outcome in planned["outcomes"])
    assert [{**outcome, "diff": None} for outcome in planned["outcomes"]] == done["outcomes"]
    paths = {outcome["path"] for outcome in done["outcomes"]}
    assert paths == set(read_tree(Path("shop"))) - {"uv.lock"}


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (["new"], 2, "the project needs a name"),
        (["new", "class"], 2, "'class' is a Python keyword\n hint: try 'class-app'"),
        (["new", "json"], 2, "hide Python's own module"),
        (["new", "shop", "--preset", "standart"], 2, "did you mean 'standard'?"),
        (["new", "shop", "-o", "databse=sqlite"], 2, "did you mean 'database'?"),
        (["new", "shop", "-o", "database=mysql"], 2, "no database choice 'mysql'"),
        (
            ["new", "shop", "-o", "default_model=google:gemini-3", "-o", "model_providers=openai"],
            2,
            "default_model google:gemini-3 needs google",
        ),
        (["new", "shop", "-o", "agent.assistant.modl=x"], 2, "no answer 'modl'"),
        (["new", "shop", "--with", "tool:clok"], 2, "did you mean 'clock'?"),
        (["new", "shop", "--with", "clock"], 2, "expected KIND:NAME"),
        (["new", "shop", "--answers", "nowhere.yml"], 2, "No such file"),
        (["new", "shop", "--run", "--no-install"], 2, "choose one of them"),
    ],
)
def test_what_cannot_be_meant_is_one_line_and_a_hint(
    mai: Mai, argv: list[str], code: int, told: str
) -> None:
    said = mai(*argv, "--defaults", expect=code)
    assert told in said.stderr
    assert len(said.stderr.splitlines()) <= 3
    assert said.stdout == ""
    assert list(Path().iterdir()) == []


def test_an_error_in_json_is_one_document(mai: Mai) -> None:
    said = mai("new", "class", "--json", expect=2)
    error = said.json()["error"]
    assert error["code"] == "invalid_name"
    assert error["hint"] == "try 'class-app'"


def test_a_folder_that_is_not_empty_is_refused(mai: Mai) -> None:
    Path("shop").mkdir()
    Path("shop/notes.txt").touch()
    said = mai("new", "shop", *QUICK, expect=1)
    assert "is not empty: it holds 'notes.txt'" in said.stderr
    assert [path.name for path in Path("shop").iterdir()] == ["notes.txt"]


def test_into_a_folder_of_another_name(mai: Mai) -> None:
    mai("new", "shop", *QUICK, "--into", "services/with space")
    assert Path("services/with space/src/shop/main.py").is_file()


ANSWERS_YAML = """
name: shop
preset: minimal
database: postgresql
with: [tool:clock]
agent:
  assistant:
    instructions: Be brief.
"""
ANSWERS_TOML = """
name = "shop"
preset = "minimal"
database = "postgresql"
with = ["tool:clock"]
[agent.assistant]
instructions = "Be brief."
"""


@pytest.mark.parametrize(
    ("file", "text"),
    [("a.yml", ANSWERS_YAML), ("a.toml", ANSWERS_TOML), ("-", ANSWERS_TOML), ("-", ANSWERS_YAML)],
)
def test_answers_come_from_a_file_or_stdin(
    mai: Mai, monkeypatch: pytest.MonkeyPatch, file: str, text: str
) -> None:
    if file == "-":
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    else:
        Path(file).write_text(text, encoding="utf-8")
    made = mai("new", "--answers", file, *QUICK, "--dry-run", "--json").json()
    assert made["project"]["database"] == "postgresql"
    assert [(i["kind"], i["name"]) for i in made["instances"]] == [
        ("agent", "assistant"),
        ("tool", "clock"),
    ]
    assert made["instances"][0]["answers"]["instructions"] == "Be brief."


def test_the_first_commit_holds_everything_but_what_is_ignored(
    mai: Mai, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{key}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{key}_EMAIL", "ada@example.org")
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    mai("new", "shop", "--defaults", "--no-install")
    assert _git("log", "--format=%s", folder="shop") == "Start shop\n"
    assert _git("status", "--porcelain", folder="shop") == ""
    tracked = set(_git("ls-files", folder="shop").splitlines())
    assert tracked == {p for p in read_tree(Path("shop")) if not p.startswith(".git/")}


def test_inside_a_repository_no_other_is_made(mai: Mai) -> None:
    _git("init", "--quiet", folder=".")
    said = mai("new", "shop", "--defaults", "--no-install")
    assert not Path("shop/.git").exists()
    assert "the folder is in one already" in said.stderr


def test_without_an_identity_nothing_is_committed(
    mai: Mai, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    empty = tmp_path / "empty-config"
    empty.touch()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(empty))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    said = mai("new", "shop", "--defaults", "--no-install")
    assert "git does not know your name" in said.stderr
    assert "main.py" in _git("diff", "--cached", "--name-only", folder="shop")


def _git(*arguments: str, folder: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty-cache"))
    monkeypatch.setenv("UV_OFFLINE", "1")


def test_when_nothing_can_be_locked_nothing_is_left(mai: Mai, no_index: None) -> None:
    said = mai("new", "shop", "--defaults", "--preset", "minimal", "--into", "a/b", expect=1)
    assert "uv lock` failed" in said.stderr
    assert "hint: with no index in reach, use --no-install" in said.stderr
    assert not Path("a").exists()


def test_when_nothing_can_be_installed_the_project_stays(mai: Mai, no_index: None) -> None:
    """The full preset's lock is the one that mai carries: no index is needed for it."""
    said = mai("new", "shop", "--defaults", "--preset", "full", expect=1)
    assert "uv sync` failed" in said.stderr
    assert "hint: the project is complete: try `uv sync` in " in said.stderr
    assert Path("shop/.mai/manifest.toml").is_file()


def test_without_uv_it_says_so_before_anything_is_done(
    mai: Mai, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    said = mai("new", "shop", "--defaults", expect=1)
    assert "uv was not found" in said.stderr
    assert "--no-install" in said.stderr
    assert not Path("shop").exists()
