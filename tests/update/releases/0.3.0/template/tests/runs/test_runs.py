"""A turn over a real server: every way in which it can go and end."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelResponse, ToolReturnPart

ACTOR = "/api/v1/agents/actor"


def _text(frames: list[Any]) -> str:
    return "".join(frame.data["text"] for frame in frames if frame.event == "delta")


async def test_a_streamed_answer_begins_with_meta_and_ends_with_one_closing_event(api: Any) -> None:
    frames = [frame async for frame in api.stream("one two three")]
    assert [frame.event for frame in frames] == ["meta", "delta", "delta", "delta", "done"]
    assert _text(frames) == "one two three "
    assert [frame.id for frame in frames] == ["0.1", "1.4", "1.8", "1.14", "2.1"]
    assert (frames[0].data["agent"], frames[0].data["demo"]) == ("actor", False)
    assert frames[-1].data["status"] == "completed"


async def test_an_answer_that_is_not_streamed_comes_in_an_envelope(api: Any) -> None:
    envelope = (await api.ask("one two")).json()
    assert envelope["success"] is True
    assert envelope["metadata"] == {"agent": "actor", "model": "actor", "demo": False}
    assert envelope["data"]["content"] == "one two "


async def test_tools_and_their_progress_are_told_between_the_texts(api: Any) -> None:
    """And the events are what OpenAPI says."""
    frames = [frame async for frame in api.stream("first CALL:quick then")]
    answers = (await api.client.get("/openapi.json")).json()["paths"][f"{ACTOR}/run"]["post"]
    schema = answers["responses"]["200"]["content"]["text/event-stream"]["itemSchema"]
    kinds = {kind["properties"]["event"]["const"]: kind for kind in schema["oneOf"]}
    for frame in frames:
        described = kinds[frame.event]["properties"]["data"]["contentSchema"]
        assert frame.data.keys() == described["properties"].keys() == set(described["required"])
    assert [frame.event for frame in frames] == [
        "meta", "delta", "tool_start", "progress", "tool_end", "delta", "done",
    ]  # fmt: skip
    assert frames[3].data["data"] == {"percent": 50}
    assert frames[4].data["result"] == "done for local"
    session_id = frames[0].data["session_id"]
    assert [(row["role"], row["content"]) for row in await api.messages(session_id)] == [
        ("user", "first CALL:quick then"),
        ("assistant", "first "),
        ("tool", "done for local"),
        ("assistant", "then "),
    ]


async def test_history_is_replayed_exactly(api: Any, heard: list[list[ModelMessage]]) -> None:
    first = await api.answer("one CALL:quick+quick two")
    before = heard[-1]
    await api.answer("three", first["session_id"])
    replayed = heard[-1]
    assert replayed[: len(before)] == before
    assert isinstance(replayed[len(before)], ModelResponse)
    assert len(replayed) == len(before) + 2


async def test_a_stop_in_the_middle_keeps_what_was_said(api: Any) -> None:
    frames = []
    async for frame in api.stream("one two WAIT"):
        frames.append(frame)
        if _text(frames) == "one two " and frame.event == "delta":
            stopping = await api.stop(frames[0].data["session_id"])
            assert stopping.json()["run_id"] == frames[0].data["run_id"]
    assert frames[-1].event == "done"
    assert (frames[-1].data["status"], frames[-1].data["reason"]) == ("interrupted", "stopped")
    session_id = frames[0].data["session_id"]
    said = (await api.messages(session_id))[-1]
    assert (said["content"], said["interrupted"]) == ("one two ", True)
    assert (await api.answer("again", session_id))["content"] == "again "


async def test_a_stop_while_the_model_is_silent_ends_the_run_at_once(api: Any) -> None:
    frames = []
    now = asyncio.get_running_loop().time
    async for frame in api.stream("WAIT"):
        frames.append(frame)
        if frame.event == "meta":
            stopped_at = now()
            await api.stop(frame.data["session_id"])
    assert [frame.event for frame in frames] == ["meta", "done"]
    assert frames[-1].data["status"] == "interrupted"
    assert now() - stopped_at < 5
    await api.answer("again", frames[0].data["session_id"])


async def test_the_outcome_of_a_stopped_tool_is_unknown(api: Any, heard: list[Any]) -> None:
    frames = []
    async for frame in api.stream("first CALL:quick+slow never"):
        frames.append(frame)
        if frame.event == "tool_end" and frame.data["tool_name"] == "quick":
            await api.stop(frames[0].data["session_id"])
    ends = {f.data["tool_name"]: f.data["outcome"] for f in frames if f.event == "tool_end"}
    assert ends == {"quick": "success", "slow": "interrupted"}
    session_id = frames[0].data["session_id"]
    tools = [row for row in await api.messages(session_id) if row["role"] == "tool"]
    assert [row["interrupted"] for row in tools] == [False, True]
    assert "unknown" in tools[1]["error"]
    await api.answer("again", session_id)
    returns = [p for m in heard[-1] for p in m.parts if isinstance(p, ToolReturnPart)]
    assert {part.tool_name: part.outcome for part in returns} == ends


@pytest.mark.parametrize(
    ("script", "outcome", "result"),
    [
        ("CALL:picky CALL:picky end", "retried", "call it again"),
        ("CALL:impatient end", "retried", "timed out"),
        ("CALL:broken end", "failed", "for a reason that it did not foresee"),
        ("CALL:lost end", "failed", "there is no order 7"),
    ],
)
async def test_a_tool_that_fails_tells_the_model_and_the_run_goes_on(
    api: Any, heard: list[list[ModelMessage]], script: str, outcome: str, result: str
) -> None:
    frames = [frame async for frame in api.stream(script)]
    end = next(frame for frame in frames if frame.event == "tool_end")
    assert end.data["outcome"] == outcome
    assert result.lower() in end.data["result"].lower()
    assert "secret" not in str(heard)
    assert (frames[-1].event, _text(frames)) == ("done", "end ")
    session_id = frames[0].data["session_id"]
    tool = next(row for row in await api.messages(session_id) if row["role"] == "tool")
    assert (tool["error"], tool["interrupted"]) == (outcome, False)
    await api.answer("again", session_id)


async def test_a_client_that_leaves_ends_the_run(api: Any) -> None:
    async with aclosing(api.stream("one WAIT")) as frames:
        async for frame in frames:
            if frame.event == "meta":
                meta = frame.data
            if frame.event == "delta":
                break
    run = await api.ended(meta["run_id"])
    assert (run["status"], run["reason"]) == ("interrupted", "client_gone")
    assert (await api.messages(meta["session_id"]))[-1]["content"] == "one "


async def test_a_client_that_waits_for_the_whole_answer_may_leave_too(api: Any) -> None:
    session = (await api.client.post("/api/v1/agents/actor/sessions")).json()
    asking = asyncio.create_task(api.ask("one WAIT", session["session_id"]))
    rows = await api.said(session["session_id"], "one ")
    asking.cancel()
    assert (await api.ended(rows[0]["run_id"]))["reason"] == "client_gone"


async def test_a_run_that_shall_continue_does_not_need_its_client(api: Any) -> None:
    script = "one " * 50
    async with aclosing(api.stream(script, on_disconnect="continue")) as frames:
        async for frame in frames:
            meta = frame.data
            break
    run = await api.ended(meta["run_id"])
    assert run["status"] == "completed"
    assert (await api.messages(meta["session_id"]))[-1]["content"] == script


@pytest.mark.parametrize("said", ["", "one two "])
async def test_a_model_error_keeps_what_was_said_and_tells_no_secret(api: Any, said: str) -> None:
    frames = [frame async for frame in api.stream(f"{said}FAIL")]
    assert _text(frames) == said
    assert (frames[-1].event, frames[-1].data["code"]) == ("error", "model_busy")
    assert "secret" not in str(frames[-1].data)
    rows = await api.messages(frames[0].data["session_id"])
    assert "".join(row["content"] for row in rows if row["role"] == "assistant") == said
    await api.answer("again", frames[0].data["session_id"])


async def test_an_error_without_a_stream_is_a_problem_that_names_the_run(api: Any) -> None:
    problem = (await api.ask("FAIL")).json()
    assert (problem["status"], problem["code"]) == (503, "model_busy")
    assert (await api.get(f"/runs/{problem['details']['run_id']}"))["status"] == "error"


async def test_a_busy_session_is_a_conflict_that_names_the_run(api: Any) -> None:
    async for frame in api.stream("WAIT"):
        if frame.event == "meta":
            problem = (await api.ask("hello", frame.data["session_id"])).json()
            assert (problem["status"], problem["code"]) == (409, "run_in_progress")
            assert problem["details"]["run_id"] == frame.data["run_id"]
            await api.stop(frame.data["session_id"])


async def test_a_deleted_session_stops_its_run_and_is_gone(api: Any) -> None:
    async for frame in api.stream("WAIT"):
        if frame.event == "meta":
            session_id = frame.data["session_id"]
            deleted = await api.client.delete(f"/api/v1/sessions/{session_id}")
            assert deleted.status_code == 204
    assert frame.data["reason"] == "stopped"
    assert (await api.client.get(f"/api/v1/sessions/{session_id}")).status_code == 404
    assert (await api.ask("hello", session_id)).status_code == 404


async def test_a_request_out_of_bounds_is_refused(api: Any) -> None:
    for wrong in (
        {"message": "a\0b"},
        {"temperature": 3},
        {"temperature": -1},
        {"max_tokens": 0},
        {"max_tokens": 8193},
        {"mood": "good"},
        {"session_id": "x"},
    ):
        response = await api.client.post(f"{ACTOR}/run", json={"message": "hello", **wrong})
        assert response.status_code == 422, wrong
