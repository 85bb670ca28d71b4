"""The life of a third party's plugin in a project, from wheels to the end."""

import hashlib
import hmac
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from mai.programs import uv

from tests.generated.served import command, serving
from tests.generated.test_suites import run_suite
from tests.plugins.homes import Home, build, run, world

DATA = Path(__file__).parent / "data"
SECRET = "of the gate"  # noqa: S105 - of this test
ORDERS = "/api/v1/orders"
INSTANCES = (
    ("agent", "acme-clerk"),
    ("tool", "acme-dice"),
    ("memory", "acme-notebook"),
    ("auth", "acme-badge"),
    ("feature", "acme-orders"),
)

TESTS = ("tests/acme_notebook", "tests/acme_orders", "tests/agents", "tests/auth")
VERSIONS = "src/shop/migrations/versions/acme_orders"
KEPT = {f"{VERSIONS}/0001_orders.py", f"{VERSIONS}/0002_amounts.py"}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The wheels of the plugin, of two versions."""
    source, built = tmp_path_factory.mktemp("acme"), tmp_path_factory.mktemp("built")
    found = []
    for version in ("acme", "acme_2"):
        shutil.copytree(DATA / version, source, dirs_exist_ok=True)
        found.append(build(source, built))
    return found


@pytest.fixture
def mai(wheel: Path, wheels: list[Path], tmp_path: Path) -> Home:
    """mai's wheel and the plugin's in a fresh environment."""
    env = world(tmp_path, tmp_path)
    run([uv.find(), "venv", "--quiet", "--python", sys.executable, "env"], tmp_path, env)
    home = Home(tmp_path / "env/bin", tmp_path, env | {"ACME_JOURNAL": str(tmp_path / "journal")})
    install(home, wheel, wheels[0])
    return home


def install(home: Home, *wheels: Path) -> None:
    python = ["--python", str(home.scripts / "python")]
    run([uv.find(), "pip", "install", "--quiet", *python, *map(str, wheels)], home.folder, home.env)


@contextmanager
def served(project: Path, badge: str | None) -> Iterator[httpx2.Client]:
    """The project on loopback, asked by who wears this badge."""
    with serving(project, "acme-clerk", ACME_BADGE__SECRET=SECRET, LOG_LEVEL="ERROR") as running:
        if badge:
            signed = hmac.new(SECRET.encode(), badge.encode(), hashlib.sha256).hexdigest()
            running.client.headers["X-Acme-Badge"] = f"{badge}.{signed}"
        yield running.client


def tree(project: Path) -> dict[str, bytes]:
    """The files of a project but for mai's own, its data and what Python has compiled."""
    out = {".mai", "data", "__pycache__", ".pytest_cache", ".git"}
    paths = (path.relative_to(project) for path in project.rglob("*") if path.is_file())
    kept = (path for path in paths if out.isdisjoint(path.parts))
    return {path.as_posix(): (project / path).read_bytes() for path in kept}


def test_a_plugin_comes_is_upgraded_over_hand_edits_and_goes(
    mai: Home, wheels: list[Path], tmp_path: Path
) -> None:
    options = ("--preset", "minimal", "--defaults", "--no-install", "--no-git")
    wanted = [word for kind, name in INSTANCES for word in ("--with", f"{kind}:{name}")]
    mai("new", "shop", *options, *wanted)
    mai("new", "shop", *options, "--into", "plain")
    project, inside = tmp_path / "shop", Home(mai.scripts, tmp_path / "shop", mai.env)

    shared_files_have_what_it_adds(project)
    session_id = it_is_served(project)
    routes, instructions = edit_by_hand(project)
    install(mai, wheels[1])
    told = {one["name"]: one for one in inside("doctor", "--json", expect=1).json()["checks"]}
    assert "2.0.0 is installed: mai update brings it" in told["agent.acme-clerk"]["told"]
    assert told["mai-acme: printer"]["ok"]
    inside("update", "--no-install")

    assert "Your own orders, oldest" in routes.read_text("utf-8")
    assert "amount=body.amount" in routes.read_text("utf-8")
    assert "Always greet with" in instructions.read_text("utf-8")
    assert "Never promise a date." in instructions.read_text("utf-8")
    assert 'welcome = "Welcome to ACME!"' in (project / ".mai/manifest.toml").read_text("utf-8")
    it_goes_on(project, session_id)
    run_suite(project, *TESTS)
    it_may_say_no(inside)
    it_goes(inside)
    assert set(tree(project)) - set(tree(tmp_path / "plain")) == KEPT
    assert {path: tree(project)[path] for path in tree(tmp_path / "plain")} == tree(
        tmp_path / "plain"
    )
    command(project, "db", "upgrade")
    lines = (tmp_path / "journal").read_text("utf-8").splitlines()
    assert "applied mai update in shop" in lines
    assert any(line.startswith("planned mai new shop") for line in lines)


def shared_files_have_what_it_adds(project: Path) -> None:
    for path, added in {
        "compose.d/acme-printer.yaml": "image: nginxinc/",
        "compose.yaml": "path: compose.d/acme-printer.yaml",
        "README.md": "The clerk answers questions about them.",
        ".env.example": "ACME_ORDERS__MOST=",
    }.items():
        assert added in (project / path).read_text("utf-8"), path
    assert "ALLOW_ANONYMOUS" not in (project / "compose.yaml").read_text("utf-8")


def it_is_served(project: Path) -> str:
    """All that it brought is used by somebody; the conversation that came of it."""
    command(project, "db", "upgrade")
    with served(project, None) as nobody:
        answer = nobody.get(ORDERS)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "AcmeBadge")
    with served(project, "ada") as ada:
        assert ada.post(ORDERS, json={"what": "an anvil"}).status_code == 201
        tools = {tool["name"] for tool in ada.get("/api/v1/tools").json()["tools"]}
        assert {"throw_dice", "keep_note", "read_notes"} <= tools
        call = {"name": "keep_note", "arguments": {"note": "likes tea"}}
        assert ada.post("/api/v1/tools/call", json=call).status_code == 200
        asked = ada.post("/api/v1/agents/acme-clerk/run", json={"message": "Hello!"})
        session_id = str(asked.raise_for_status().json()["data"]["session_id"])
    assert '["ada", "likes tea"]' in (project / "data/notebook.jsonl").read_text("utf-8")
    return session_id


def edit_by_hand(project: Path) -> tuple[Path, Path]:
    """Two of its files, which its next version changes, too."""
    routes = project / "src/shop/acme_orders/routes.py"
    text = routes.read_text("utf-8")
    routes.write_text(text.replace("Your orders, oldest", "Your own orders, oldest"), "utf-8")
    instructions = project / "src/shop/agents/acme_clerk/instructions.md"
    text = instructions.read_text("utf-8")
    instructions.write_text(text.replace("Greet with", "Always greet with"), "utf-8")
    return routes, instructions


def it_goes_on(project: Path, session_id: str) -> None:
    """With the rows of before."""
    command(project, "db", "upgrade")
    with served(project, "ada") as ada:
        (order,) = ada.get(ORDERS).json()
        assert (order["what"], order["amount"]) == ("an anvil", 1)
        again = {"message": "And now?", "session_id": session_id}
        assert ada.post("/api/v1/agents/acme-clerk/run", json=again).status_code == 200


def it_may_say_no(inside: Home) -> None:
    inside("add", "agent", "anna", "--from", "acme_clerk", "--no-install")
    said = inside("add", "agent", "bert", "--from", "acme_clerk", "--no-install", expect=1)
    assert "there is room for 2 clerks only" in said.stderr
    inside("remove", "agent", "anna", "--no-install")


def it_goes(inside: Home) -> None:
    refused = inside("remove", "feature", "acme-orders", "--no-install", expect=1)
    assert "src/shop/acme_orders/routes.py" in refused.stderr
    for kind, name in INSTANCES:
        inside("remove", kind, name, "--theirs", "--no-install")
