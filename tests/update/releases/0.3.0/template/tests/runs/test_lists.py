"""Lists of runs, and what they came to in numbers."""

from datetime import UTC, datetime, timedelta
from typing import Any


async def test_runs_are_listed_newest_first_in_pages(api: Any) -> None:
    runs = [await api.answer("one")]
    runs.append(await api.answer("two", runs[0]["session_id"]))
    failed = (await api.ask("FAIL")).json()["details"]
    ids = [failed["run_id"], *(run["run_id"] for run in reversed(runs))]
    first = await api.get("/runs?limit=2")
    rest = await api.get(f"/runs?limit=2&before={first['next']}")
    assert [run["run_id"] for page in (first, rest) for run in page["items"]] == ids
    assert rest["next"] is None
    for query, found in {
        f"session_id={runs[0]['session_id']}": ids[1:],
        "status=error": ids[:1],
        "status=completed&agent=actor": ids[1:],
        "agent=nobody": [],
    }.items():
        assert [run["run_id"] for run in (await api.get(f"/runs?{query}"))["items"]] == found
    await api.client.delete(f"/api/v1/sessions/{runs[0]['session_id']}")
    assert [run["run_id"] for run in (await api.get("/runs"))["items"]] == ids[:1]


async def test_stats_count_what_was_used_in_a_window_of_time(api: Any) -> None:
    await api.answer("long ago")
    since = datetime.now(UTC)
    answer = await api.answer("first CALL:quick+quick then")
    await api.answer("again", answer["session_id"])
    await api.ask("FAIL")
    stats = await api.get(f"/stats?since={since.isoformat().replace('+', '%2B')}")
    assert datetime.fromisoformat(stats["since"]) == since
    assert (stats["sessions"], stats["messages"]) == (2, 9)
    assert stats["total"]["runs"] == 3
    assert {name: one["runs"] for name, one in stats["by_status"].items()} == {
        "completed": 2,
        "error": 1,
    }
    assert stats["by_agent"] == stats["by_model"] == {"actor": stats["total"]}
    assert stats["total"]["total_tokens"] >= answer["total_tokens"] > 0
    assert stats["tools"] == {"quick": {"success": 2}}
    assert 0 < stats["total"]["average_s"] <= stats["total"]["longest_s"] < 60
    assert (await api.get("/stats"))["total"]["runs"] == 4


async def test_stats_of_nothing_are_nothing(api: Any) -> None:
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat().replace("+", "%2B")
    stats = await api.get(f"/stats?since={later}")
    nothing = {"runs": 0, "total_tokens": 0}
    assert stats["total"] == nothing | dict.fromkeys(("cost_usd", "average_s", "longest_s"))
    assert (stats["sessions"], stats["messages"], stats["by_agent"]) == (0, 0, {})
