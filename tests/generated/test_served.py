"""A project of the standard preset, served on a loopback port and driven as a client would."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from tests import trees
from tests.docs.reference import ROOT
from tests.docs.test_docs import shell_blocks
from tests.generated.served import Served, command, frames, serving, text

LONG = " ".join(f"word{n}" for n in range(400))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered project whose `.env` names its database."""
    folder = tmp_path_factory.mktemp("served") / "shop"
    trees.write(trees.manifest("shop"), folder)
    if request.param == "postgresql":
        url = request.getfixturevalue("new_postgres_url")()
        (folder / ".env").write_text(f"DATABASE_URL={url}\n", encoding="utf-8")
    command(folder, "init")
    return folder


@pytest.fixture
def served(project: Path) -> Iterator[Served]:
    with serving(project) as found:
        yield found


def test_a_conversation_streams_and_is_kept(served: Served) -> None:
    asked = {"message": "Hello!", "stream": True}
    with served.client.stream("POST", served.run_path, json=asked) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-accel-buffering"] == "no"
        told = list(frames(response))
    assert [told[0].event, told[-1].event] == ["meta", "done"]
    assert [frame.event for frame in told].count("done") == 1
    assert told[0].data["model"] == "demo"
    ids = [frame.id for frame in told if frame.event == "delta"]
    assert len(ids) == len(set(ids)) > 3
    assert text(told).startswith("You said 'Hello!'")

    session_id = told[0].data["session_id"]
    again = served.ask("And again!", session_id)
    assert again["data"]["session_id"] == session_id
    spoken = [m["content"] for m in served.messages(session_id) if m["role"] == "user"]
    assert spoken == ["Hello!", "And again!"]


def test_status_tells_how_the_served_project_is(served: Served, project: Path) -> None:
    said = command(project, "status", "--url", str(served.client.base_url))
    assert "database: ok" in said
    assert "llm: ok" in said


def test_a_stop_in_the_middle_keeps_what_was_said(served: Served) -> None:
    with served.streaming(LONG) as events:
        told = [next(events), next(events)]
        served.stop(told[0].data["session_id"])
        told += events
    assert (told[-1].event, told[-1].data["status"]) == ("done", "interrupted")
    meta = told[0].data
    assert served.run_of(meta["run_id"])["status"] == "interrupted"
    answer = served.messages(meta["session_id"])[-1]
    assert answer["interrupted"] is True
    assert answer["content"] == text(told)
    assert served.ask("Go on", meta["session_id"])["data"]["status"] == "completed"


def test_a_client_that_leaves_ends_its_run(served: Served) -> None:
    with served.streaming(LONG) as events:
        meta = next(events)
    run = served.until_ended(meta.data["run_id"])
    assert run["status"] == "interrupted"
    assert served.ask("Go on", meta.data["session_id"])["data"]["status"] == "completed"


def test_a_proxy_is_believed_by_the_projects_own_setting_alone(project: Path) -> None:
    forged = {"X-Forwarded-Proto": "https"}  # of which HSTS tells whether it was believed
    env = {"ENVIRONMENT": "production", "FORWARDED_ALLOW_IPS": "*"}
    for trusted in ("", "127.0.0.1"):
        with serving(project, **env, TRUSTED_PROXIES=trusted) as served:
            answer = served.client.get("/health", headers=forged)
        assert ("Strict-Transport-Security" in answer.headers) is bool(trusted)


def test_headers_without_end_are_not_read(served: Served) -> None:
    url = served.client.base_url
    with socket.create_connection((url.host, url.port or 80), timeout=10) as connection:
        answer = b""
        with suppress(OSError):  # the server hangs up
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ")
            connection.sendall(b"x" * 10_000_000)
            connection.sendall(b"\r\nConnection: close\r\n\r\n")
            answer = connection.recv(64)
    assert not answer.startswith(b"HTTP/1.1 200")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_server_leaves_a_truthful_row_and_a_conversation_that_goes_on(
    project: Path,
) -> None:
    with serving(project) as first, first.streaming(LONG) as stream:
        meta = next(stream)
        next(frame for frame in stream if frame.event == "delta")
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        with suppress(httpx2.TransportError):
            rest = [frame.event for frame in stream]
            assert not {"done", "error"} & set(rest), "the stream was cut, not closed"
    with serving(project) as second:
        run = second.until_ended(meta.data["run_id"])
        assert (run["status"], run["reason"]) == ("interrupted", "process_died")
        answer = second.ask("Are you there?", meta.data["session_id"])
        assert answer["data"]["status"] == "completed"
        spoken = second.messages(meta.data["session_id"])
        assert spoken[0]["content"] == LONG


@pytest.mark.skipif(os.name == "nt", reason="Windows ends processes without telling them")
def test_a_server_that_is_told_to_end_closes_its_streams_truthfully(project: Path) -> None:
    with serving(project) as served, served.streaming(LONG) as events:
        told = []
        for frame in events:
            told.append(frame)
            if [one.event for one in told].count("delta") == 1:
                served.process.terminate()
        served.process.wait(timeout=30)
    assert told[-1].event == "done"
    assert (told[-1].data["status"], told[-1].data["reason"]) == ("interrupted", "shutdown")


API_PAGE = ROOT / "docs" / "how-to" / "call-the-api.md"
FAIL_ON_ERRORS = 'curl() { command curl --silent --show-error --fail-with-body "$@"; }'


@pytest.mark.skipif(shutil.which("jq") is None, reason="the page's commands need jq")
def test_the_page_about_the_api_works_as_pasted(
    served: Served, project: Path, tmp_path: Path
) -> None:
    pasted = "\n".join([FAIL_ON_ERRORS, "set -eux -o pipefail", *shell_blocks(API_PAGE)])
    script = pasted.replace("http://127.0.0.1:8000", str(served.client.base_url).rstrip("/"))
    shutil.copy(project / ".env", tmp_path)
    line = ["bash", "-c", script]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("event: done") == 2
    for said in ('"variables":{"guests":3}', "304 Not Modified", '"by_status":{"completed":'):
        assert said in done.stdout


CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "unsupported_method",
)


EDGES = ("--phases=examples,coverage",)  # where databases differ, they do at the edges of a type
LET_IN = ("--phases=examples,coverage,fuzzing", "--max-examples=8")
KEPT_OUT = ("--phases=fuzzing", "--max-examples=1")


@pytest.mark.parametrize(
    ("project", "caller"),
    [
        pytest.param("sqlite", LET_IN, id="let in"),
        pytest.param("sqlite", KEPT_OUT, id="kept out"),
        pytest.param("postgresql", EDGES, id="on PostgreSQL"),
        pytest.param("postgresql", LET_IN, id="let in on PostgreSQL", marks=pytest.mark.slow),
    ],
    indirect=["project"],
)
def test_every_answer_is_what_its_own_openapi_says(
    served: Served, caller: tuple[str, ...], tmp_path: Path
) -> None:
    header = f"Authorization: {served.client.headers['Authorization']}"
    url = str(served.client.base_url.join("/openapi.json"))
    line = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        url,
        f"--checks={','.join(CHECKS)}",
        "--seed=1",
        "--generation-deterministic",
        "--request-timeout=30",
        "--no-color",
        *caller,
        *([f"--header={header}"] if caller is LET_IN else ()),
    ]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
