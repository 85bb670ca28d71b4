"""Whoever was cut off goes on behind the last event that it had, whoever has it now."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

SCRIPT = "THINK:hm one two CALL:quick+picky three CALL:picky four"


def _told(frames: list[Any]) -> list[tuple[str, Any]]:
    """Events without progress, adjacent texts as one: what all ways to read a run agree on."""
    told: list[tuple[str, Any]] = []
    for frame in frames:
        data = frame.data.get("text", frame.data)
        if isinstance(data, str) and told and told[-1][0] == frame.event:
            told[-1] = (frame.event, told[-1][1] + data)
        elif frame.event != "progress":
            told.append((frame.event, data))
    return told


@pytest.fixture
async def frames(api: Any) -> list[Any]:
    """The events of a run that has ended."""
    return [frame async for frame in api.stream(SCRIPT)]


async def test_a_run_that_has_ended_is_told_from_its_rows_as_it_was(
    api: Any, frames: list[Any]
) -> None:
    again = [frame async for frame in api.follow(frames[0].data["run_id"])]
    assert _told(again) == _told(frames)
    assert {frame.id for frame in again} <= {frame.id for frame in frames}


async def test_from_each_id_the_rest_follows_and_nothing_twice(api: Any, frames: list[Any]) -> None:
    for at, frame in enumerate(frames[:-1]):
        rest = [one async for one in api.follow(frames[0].data["run_id"], frame.id)]
        assert _told([*frames[: at + 1], *rest]) == _told(frames), frame.id


async def test_a_run_that_goes_on_is_followed_from_where_the_first_stream_was_cut(api: Any) -> None:
    script = "one two three CALL:quick four five"
    cut: list[Any] = []
    async with aclosing(api.stream(script, on_disconnect="continue")) as stream:
        async for frame in stream:
            cut.append(frame)
            if frame.id == "1.4":
                break
    rest = [frame async for frame in api.follow(cut[0].data["run_id"], cut[-1].id)]
    assert [kind for kind, _ in _told([*cut, *rest])] == [
        "meta", "delta", "tool_start", "tool_end", "delta", "done",
    ]  # fmt: skip
    assert dict(_told([*cut, *rest]))["delta"] == "four five "


async def test_two_clients_follow_one_run(api: Any) -> None:
    async for frame in api.stream("one WAIT"):
        if frame.event == "meta":
            meta = frame.data
            following = asyncio.gather(*[_follow(api, meta["run_id"]) for _ in range(2)])
        if frame.event == "delta":
            await api.stop(meta["session_id"])
    told = await following
    assert told[0] == told[1]
    assert [kind for kind, _ in told[0]] == ["meta", "delta", "done"]


async def _follow(api: Any, run_id: str) -> list[tuple[str, Any]]:
    return _told([frame async for frame in api.follow(run_id)])


async def test_an_id_that_is_none_and_a_run_of_nobody_are_refused(
    api: Any, frames: list[Any]
) -> None:
    path = f"/api/v1/runs/{frames[0].data['run_id']}/events"
    wrong = await api.client.get(path, headers={"Last-Event-ID": "three"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_request")
    missing = path.replace(frames[0].data["run_id"], frames[0].data["session_id"])
    assert (await api.client.get(missing)).status_code == 404
