"""A project of the standard preset, served on a loopback port and driven as a client would."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import trees
from tests.services import free_port

RUN = "/api/v1/agents/assistant/run"
LONG = " ".join(f"word{n}" for n in range(400))


@dataclass(frozen=True)
class Served:
    client: httpx2.Client
    process: subprocess.Popen[bytes]

    def ask(self, message: str, session_id: str | None = None) -> Any:
        body = {"message": message, "session_id": session_id}
        return self.client.post(RUN, json=body).raise_for_status().json()

    def history(self, session_id: str) -> Any:
        path = f"/api/v1/agents/assistant/sessions/{session_id}"
        return self.client.get(path).raise_for_status().json()["messages"]["items"]

    def last_run(self, run_id: str) -> Any:
        return self.client.get(f"/api/v1/runs/{run_id}").raise_for_status().json()


@dataclass(frozen=True)
class Frame:
    event: str
    data: Any
    id: str | None


def frames(response: httpx2.Response) -> Iterator[Frame]:
    """The events of a stream, as the specification of server-sent events reads them."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif not line and fields:
            yield Frame(fields["event"], json.loads(fields["data"]), fields.get("id"))
            fields = {}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered project whose `.env` names its database."""
    folder = tmp_path_factory.mktemp("served") / "shop"
    trees.write(trees.manifest("shop"), folder)
    if request.param == "postgresql":
        url = request.getfixturevalue("new_postgres_url")()
        (folder / ".env").write_text(f"DATABASE_URL={url}\n", encoding="utf-8")
    _run(folder, "db", "upgrade")
    return folder


@contextmanager
def serving(project: Path) -> Iterator[Served]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "shop", "serve", "--port", str(port)],
        cwd=project,
        env=_environment(project),
    )
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            _await_health(client, process)
            yield Served(client, process)
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture
def served(project: Path) -> Iterator[Served]:
    with serving(project) as found:
        yield found


def test_a_conversation_streams_and_is_kept(served: Served) -> None:
    with served.client.stream("POST", RUN, json={"message": "Hello!", "stream": True}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-accel-buffering"] == "no"
        told = list(frames(response))
    assert [told[0].event, told[-1].event] == ["meta", "done"]
    assert [frame.event for frame in told].count("done") == 1
    assert told[0].data["model"] == "demo"
    ids = [frame.id for frame in told if frame.event == "delta"]
    assert len(ids) == len(set(ids)) > 3
    said = "".join(frame.data["text"] for frame in told if frame.event == "delta")
    assert said.startswith("You said 'Hello!'")

    session_id = told[0].data["session_id"]
    again = served.ask("And again!", session_id)
    assert again["data"]["session_id"] == session_id
    spoken = [m["content"] for m in served.history(session_id) if m["role"] == "user"]
    assert spoken == ["Hello!", "And again!"]


def test_status_tells_how_the_served_project_is(served: Served, project: Path) -> None:
    said = _run(project, "status", "--url", str(served.client.base_url))
    assert "database: ok" in said
    assert "llm: ok" in said


def test_a_stop_in_the_middle_keeps_what_was_said(served: Served) -> None:
    with served.client.stream("POST", RUN, json={"message": LONG, "stream": True}) as response:
        stream = frames(response)
        meta = next(stream)
        said = [next(frame for frame in stream if frame.event == "delta").data["text"]]
        stop = {"session_id": meta.data["session_id"]}
        began = time.monotonic()
        served.client.post("/api/v1/agents/assistant/stop", json=stop).raise_for_status()
        rest = list(stream)
    assert time.monotonic() - began < 5
    assert (rest[-1].event, rest[-1].data["status"]) == ("done", "interrupted")
    said += [frame.data["text"] for frame in rest if frame.event == "delta"]
    assert served.last_run(meta.data["run_id"])["status"] == "interrupted"
    messages = served.history(meta.data["session_id"])
    answer = [message for message in messages if message["role"] == "assistant"][-1]
    assert answer["interrupted"] is True
    assert answer["content"] == "".join(said)
    assert served.ask("Go on", meta.data["session_id"])["data"]["status"] == "completed"


def test_a_client_that_leaves_ends_its_run(served: Served) -> None:
    with served.client.stream("POST", RUN, json={"message": LONG, "stream": True}) as response:
        meta = next(frames(response))
    run = _until_ended(served, meta.data["run_id"])
    assert run["status"] == "interrupted"
    assert served.ask("Go on", meta.data["session_id"])["data"]["status"] == "completed"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_server_leaves_a_truthful_row_and_a_conversation_that_goes_on(
    project: Path,
) -> None:
    asked = {"message": LONG, "stream": True}
    with serving(project) as first, first.client.stream("POST", RUN, json=asked) as response:
        stream = frames(response)
        meta = next(stream)
        next(frame for frame in stream if frame.event == "delta")
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        with suppress(httpx2.TransportError):
            rest = [frame.event for frame in stream]
            assert not {"done", "error"} & set(rest), "the stream was cut, not closed"
    with serving(project) as second:
        run = _until_ended(second, meta.data["run_id"])
        assert (run["status"], run["reason"]) == ("interrupted", "process_died")
        answer = second.ask("Are you there?", meta.data["session_id"])
        assert answer["data"]["status"] == "completed"
        spoken = second.history(meta.data["session_id"])
        assert spoken[0]["content"] == LONG


@pytest.mark.skipif(os.name == "nt", reason="Windows ends processes without telling them")
def test_a_server_that_is_told_to_end_closes_its_streams_truthfully(project: Path) -> None:
    asked = {"message": LONG, "stream": True}
    with serving(project) as served, served.client.stream("POST", RUN, json=asked) as response:
        told = []
        for frame in frames(response):
            told.append(frame)
            if [one.event for one in told].count("delta") == 1:
                served.process.terminate()
        served.process.wait(timeout=30)
    assert told[-1].event == "done"
    assert (told[-1].data["status"], told[-1].data["reason"]) == ("interrupted", "shutdown")


def _until_ended(served: Served, run_id: str, timeout_s: float = 40) -> Any:
    deadline = time.monotonic() + timeout_s
    while (run := served.last_run(run_id))["status"] == "running":
        assert time.monotonic() < deadline, run
        time.sleep(0.1)
    return run


def _await_health(client: httpx2.Client, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        try:
            if client.get("/health").is_success:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise TimeoutError("/health never answered")


def _environment(project: Path) -> dict[str, str]:
    own = {"PYTHONPATH": str(project / "src"), "LOG_LEVEL": "WARNING", "RUNS__LEASE_S": "2"}
    own |= {"RUNS__GRACE_S": "0.1"}
    return {**os.environ, **own}


def _run(project: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "shop", *arguments]
    env = _environment(project)
    done = subprocess.run(command, cwd=project, env=env, check=True, stdout=subprocess.PIPE)
    return done.stdout.decode()


CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "unsupported_method",
)


def test_every_answer_is_what_its_own_openapi_says(served: Served, tmp_path: Path) -> None:
    url = str(served.client.base_url.join("/openapi.json"))
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        url,
        f"--checks={','.join(CHECKS)}",
        "--phases=examples,coverage,fuzzing",
        "--max-examples=15",
        "--seed=1",
        "--generation-deterministic",
        "--request-timeout=30",
        "--no-color",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
