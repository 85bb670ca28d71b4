"""`mai mcp`, driven by a real client over stdin and stdout."""

import asyncio
import json
import os
import shlex
import shutil
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from mai.project.tree import File, read_tree
from mcp import Client, StdioServerParameters, stdio_client

from tests import trees
from tests.update.releases import make_project

AGENT = "src/shop/agents/support/agent.py"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="what a server says is kept by sh and tee")

ADD = {"kind": "agent", "name": "support"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("made") / "shop", trees.catalog())


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    shutil.copytree(made, root)
    return root


class Assistant:
    """A client of the server, whose refusals are told as text."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def __call__(self, tool: str, **arguments: Any) -> Any:
        said = await self._client.call_tool(tool, arguments)
        assert not said.is_error, said.content
        return said.structured_content

    async def refused(self, tool: str, **arguments: Any) -> str:
        said = await self._client.call_tool(tool, arguments)
        assert said.is_error
        (content,) = said.content
        return str(getattr(content, "text", ""))


def assisted(project: Path, work: Callable[[Assistant], Awaitable[None]], **env: str) -> None:
    """Runs `work` with a client of a server of its own, which says nothing but the protocol."""
    said = project.parent / "said"
    arguments = [sys.executable, "-m", "mai", "mcp", "--project", str(project)]
    server = StdioServerParameters(
        command="sh",
        args=["-c", f"{shlex.join(arguments)} | tee {shlex.quote(str(said))}"],
        env={**os.environ, **env},
    )

    async def session() -> None:
        async with Client(stdio_client(server)) as client:
            await work(Assistant(client))

    asyncio.run(session())
    for line in said.read_text(encoding="utf-8").splitlines():
        assert json.loads(line)["jsonrpc"] == "2.0"


def without_undo(tree: Mapping[str, File]) -> dict[str, File]:
    return {path: file for path, file in tree.items() if not path.startswith(".mai/.undo/")}


def test_an_agent_is_planned_added_shown_and_taken_back(project: Path) -> None:
    async def work(mai: Assistant) -> None:
        before = read_tree(project)
        planned = await mai("plan_add", **ADD, answers={"model": "demo"})
        assert planned["change"]["status"] == "planned"
        diffs = {one["path"]: one["diff"] for one in planned["change"]["outcomes"]}
        assert "+agent = " in diffs[AGENT]
        assert not [path for path in diffs if path.startswith(".mai/")]
        assert read_tree(project) == before

        done = await mai("apply", plan=planned["plan"], install=False)
        assert done["status"] == "done"
        assert {one["path"] for one in done["outcomes"]} == set(diffs)
        assert (project / AGENT).is_file()

        with (project / "README.md").open("a", encoding="utf-8") as file:
            file.write("Ask Ann.\n")
        assert (await mai("diff"))["diffs"]["README.md"].endswith("+Ask Ann.\n")
        assert (await mai("diff", paths=["src"]))["diffs"] == {}

        assert (await mai("undo", dry_run=True))["status"] == "planned"
        assert (await mai("undo", install=False))["undone"] == "mai add agent support"
        readme = File(before["README.md"].content + b"Ask Ann.\n")
        assert without_undo(read_tree(project)) == {**without_undo(before), "README.md": readme}

    assisted(project, work)


def test_a_plan_is_refused_once_the_project_has_changed(project: Path) -> None:
    async def work(mai: Assistant) -> None:
        planned = await mai("plan_add", **ADD)
        with (project / "src/shop/main.py").open("a", encoding="utf-8") as file:
            file.write("# mine\n")
        before = read_tree(project)
        told = await mai.refused("apply", plan=planned["plan"], install=False)
        assert "the project is not as it was" in told
        assert "hint: plan it again" in told
        assert without_undo(read_tree(project)) == without_undo(before)

        again = await mai("plan_add", **ADD)
        assert again["plan"] != planned["plan"]
        assert (await mai("apply", plan=again["plan"], install=False))["status"] == "done"
        told = await mai.refused("apply", plan=again["plan"], install=False)
        assert "no plan" in told

    assisted(project, work)


def test_every_change_has_a_plan(project: Path) -> None:
    async def work(mai: Assistant) -> None:
        titled = await mai("plan_set", options=["project_title=Kiosk"])
        assert "project_title: 'Shop' is 'Kiosk' now" in titled["change"]["notes"]
        await mai("apply", plan=titled["plan"], install=False)
        assert "# Kiosk" in (project / "README.md").read_text(encoding="utf-8")
        gone = await mai("plan_remove", kind="agent", name="assistant")
        assert {"remove", "change"} == {one["action"] for one in gone["change"]["outcomes"]}
        await mai("apply", plan=gone["plan"], install=False)
        assert not (project / "src/shop/agents/assistant").exists()
        assert (await mai("plan_update"))["change"]["outcomes"] == []

    assisted(project, work)


def test_what_is_wrong_is_told_with_its_mend(project: Path) -> None:
    async def work(mai: Assistant) -> None:
        (project / ".mai/base.tar.gz").write_bytes(b"")
        told = await mai("diagnose")
        (base,) = [check for check in told["checks"] if check["name"] == "base"]
        assert (told["status"], base["ok"]) == ("failed", False)
        assert base["mend"]
        listed = await mai("list_components", kind="tool")
        assert "tool/clock" in {one["id"] for one in listed["components"]}
        told = await mai.refused("plan_add", kind="tool", name="clok")
        assert "did you mean 'clock'?" in told

    assisted(project, work)


def test_without_a_project_components_are_listed_and_nothing_is_planned(tmp_path: Path) -> None:
    async def work(mai: Assistant) -> None:
        assert (await mai("list_components"))["components"]
        assert {one["name"] for one in (await mai("diagnose"))["checks"]} >= {"git", "uv"}
        assert "no project in" in await mai.refused("plan_add", **ADD)

    folder = tmp_path / "empty"
    folder.mkdir()
    assisted(folder, work)


def test_what_a_plugin_prints_is_no_protocol(project: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    metadata = {
        "METADATA": "Metadata-Version: 2.1\nName: mai-noisy\nVersion: 1.0\n",
        "entry_points.txt": "[mai.plugins]\nnoisy = mai_noisy\n",
    }
    for name, text in metadata.items():
        (site / "mai_noisy-1.0.dist-info").mkdir(parents=True, exist_ok=True)
        (site / "mai_noisy-1.0.dist-info" / name).write_text(text, encoding="utf-8")
    trace = tmp_path / "imported"
    source = f"from pathlib import Path\nPath({str(trace)!r}).touch()\nprint('noise', flush=True)\n"
    (site / "mai_noisy.py").write_text(source, encoding="utf-8")

    async def work(mai: Assistant) -> None:
        assert (await mai("list_components"))["components"]

    assisted(project, work, PYTHONPATH=str(site))
    assert trace.exists()


def test_a_conflict_is_told_and_waits_or_is_decided_by_the_plan(project: Path) -> None:
    async def work(mai: Assistant) -> None:
        readme = project / "README.md"
        readme.write_text(readme.read_text("utf-8").replace("# Shop\n", "# Mine\n"), "utf-8")
        titled = {"options": ["project_title=Kiosk"]}
        planned = await mai("plan_set", **titled)
        assert (await mai("apply", plan=planned["plan"], install=False))["status"] == "conflict"
        again = await mai("plan_add", **ADD)
        assert "mai resolve" in await mai.refused("apply", plan=again["plan"])
        await mai("undo", install=False)

        planned = await mai("plan_set", **titled, on_conflict="ours")
        assert (await mai("apply", plan=planned["plan"], install=False))["status"] == "done"
        assert "# Mine\n" in readme.read_text("utf-8")

    assisted(project, work)
