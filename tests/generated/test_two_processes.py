"""Two processes serve one project on PostgreSQL: what one plays, the other knows."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.generated import actor
from tests.generated.served import Served, command, frames, serving, text

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no PostgreSQL for Windows in a wheel")

LONG_S = 600
SILENT = actor.prompt([[["say", "one "], ["pause", LONG_S]]])


@pytest.fixture(scope="module")
def project(new_postgres_url: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the agent `actor` and the tool `clock`, whose callers have keys."""
    folder = tmp_path_factory.mktemp("two") / "shop"
    actor.write_project(folder, "shop", added=["tool:clock", "auth:api-key"])
    (folder / ".env").write_text(f"DATABASE_URL={new_postgres_url()}\n", encoding="utf-8")
    command(folder, "init")
    return folder


@pytest.fixture(scope="module")
def here(project: Path) -> Iterator[Served]:
    """A server whose leases hold so long that whatever is heard is not heard through them."""
    with serving(project, "actor", RUNS__LEASE_S=str(LONG_S)) as served:
        yield served


@pytest.fixture(scope="module")
def there(project: Path) -> Iterator[Served]:
    """The other server."""
    with serving(project, "actor", RUNS__LEASE_S=str(LONG_S)) as served:
        yield served


def test_a_session_that_is_busy_is_busy_in_the_other_process(here: Served, there: Served) -> None:
    with here.streaming(SILENT) as events:
        meta = next(events).data
        body = {"message": "[]", "session_id": meta["session_id"]}
        refused = there.client.post(there.run_path, json=body)
        problem = refused.json()
        assert (refused.status_code, problem["code"]) == (409, "run_in_progress")
        assert refused.headers["content-type"] == "application/problem+json"
        assert problem["details"]["run_id"] == meta["run_id"]


def test_a_run_is_followed_in_the_other_process_to_its_end(here: Served, there: Served) -> None:
    script: actor.Script = [
        [["think", "hm"], ["say", "one "], ["pause", 0.4], ["call", ["quick", "slow"]]],
        [["say", "two "], ["pause", 0.8], ["say", "three"]],
    ]
    with here.streaming(actor.prompt(script)) as events:
        meta = next(events)
        path = f"/api/v1/runs/{meta.data['run_id']}/events"
        with there.client.stream("GET", path) as response:
            followed = list(frames(response.raise_for_status()))
        told = [meta, *events]
    assert followed[0] == meta
    assert text(followed) == text(told) == actor.said(script)
    assert [one for one in followed if one.event.startswith("tool_")] == [
        one for one in told if one.event.startswith("tool_")
    ]
    assert (followed[-1], followed[-1].event) == (told[-1], "done")
    late = {"Last-Event-ID": followed[2].id or ""}
    with there.client.stream("GET", path, headers=late) as response:
        assert text(followed[:3]) + text(list(frames(response))) == actor.said(script)


def test_an_id_that_the_run_never_gave_is_told_all_of_it_at_the_end(
    here: Served, there: Served
) -> None:
    script: actor.Script = [[["say", "one "], ["pause", 0.5], ["say", "two"]]]
    with here.streaming(actor.prompt(script)) as events:
        meta = next(events)
        path, never = f"/api/v1/runs/{meta.data['run_id']}/events", {"Last-Event-ID": "99.1"}
        with there.client.stream("GET", path, headers=never) as response:
            told = list(frames(response.raise_for_status()))
        rest = list(events)
    assert (told[0], text(told), told[-1]) == (meta, "one two", rest[-1])
    for served in (here, there):
        assert served.client.get(path, headers=never).status_code == 422


def test_a_tool_that_is_switched_off_is_off_in_the_other_process(
    here: Served, there: Served
) -> None:
    call = {"name": "current_time", "arguments": {"timezone": "UTC"}}
    for served in (here, there):
        served.client.post("/api/v1/tools/call", json=call).raise_for_status()
    switch = {"enabled": False}
    there.client.patch("/api/v1/tools/current_time", json=switch).raise_for_status()
    switched_at = time.monotonic()
    while here.client.post("/api/v1/tools/call", json=call).is_success:
        assert time.monotonic() - switched_at < 5
    states = {one["name"]: one["enabled"] for one in here.get("/tools")["tools"]}
    assert states["current_time"] is False


def test_a_key_that_is_revoked_here_holds_no_more_there(here: Served, there: Served) -> None:
    made = here.client.post("/api/v1/keys", json={"name": "brief"}).raise_for_status().json()
    headers = {"Authorization": f"Bearer {made['key']}"}
    for served in (here, there):
        assert served.client.get("/api/v1/me", headers=headers).json()["name"] == "admin"
    here.client.delete(f"/api/v1/keys/{made['key_id']}").raise_for_status()
    revoked_at = time.monotonic()
    assert here.client.get("/api/v1/me", headers=headers).status_code == 401
    while (answer := there.client.get("/api/v1/me", headers=headers)).is_success:
        assert time.monotonic() - revoked_at < 3, "it was not told, but forgot by itself"
    assert answer.json()["detail"] == "this key was revoked: ask for a new one"


def test_killing_one_process_closes_its_runs_and_leaves_those_of_the_other_alone(
    project: Path,
) -> None:
    lease_s = 1
    outlives_it: actor.Script = [[["say", "one "], ["pause", 3 * lease_s], ["say", "two"]]]
    short = {"RUNS__LEASE_S": str(lease_s)}
    with (
        serving(project, "actor", **short) as killed,
        serving(project, "actor", **short) as left,
        killed.streaming(SILENT) as dying,
        left.streaming(actor.prompt(outlives_it)) as events,
    ):
        lost, told = next(dying).data, [next(events)]
        _until_stored(left, lost["session_id"], "one ")
        _kill(killed)
        run = left.until_ended(lost["run_id"])
        with pytest.raises(httpx2.TransportError):
            list(dying)
        told += events
    assert (run["status"], run["reason"]) == ("interrupted", "process_died")
    assert (told[-1].event, told[-1].data["status"]) == ("done", "completed")
    assert text(told) == "one two"


def test_a_conversation_of_a_killed_process_goes_on_in_another(
    project: Path, there: Served
) -> None:
    with (
        serving(project, "actor", RUNS__LEASE_S="1") as killed,
        killed.streaming(SILENT) as dying,
    ):
        session_id = next(dying).data["session_id"]
        _until_stored(there, session_id, "one ")
        _kill(killed)
    deadline = time.monotonic() + 20
    body = {"message": actor.prompt([[["say", "again"]]]), "session_id": session_id}
    while (answer := there.client.post(there.run_path, json=body)).status_code == 409:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert answer.raise_for_status().json()["data"]["content"] == "again"
    said = [(one["content"], one["interrupted"]) for one in there.messages(session_id)[1::2]]
    assert said == [("one ", True), ("again", False)]


def test_a_server_that_is_told_to_end_lets_runs_end_and_then_stops_them(project: Path) -> None:
    ends_in_time: actor.Script = [[["say", "one "], ["pause", 1], ["say", "two"]]]
    with (
        serving(project, "actor", RUNS__GRACE_S="3") as served,
        served.streaming(actor.prompt(ends_in_time)) as brief,
        served.streaming(SILENT) as long,
    ):
        told, cut = [next(brief)], [next(long)]
        served.process.terminate()
        told += brief
        cut += long
    assert (text(told), told[-1].data["status"]) == ("one two", "completed")
    assert [one.event for one in cut] == ["meta", "delta", "done"]
    assert (cut[-1].data["status"], cut[-1].data["reason"]) == ("interrupted", "shutdown")


def _until_stored(served: Served, session_id: str, said: str) -> None:
    deadline = time.monotonic() + 20
    while served.messages(session_id)[-1]["content"] != said:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _kill(served: Served) -> None:
    served.process.send_signal(signal.SIGKILL)
    served.process.wait()
