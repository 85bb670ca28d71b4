"""Any turn, interrupted anywhere, on a real server: what is kept is true and goes on.

The server runs in the loop of its clients.
"""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, cast
from uuid import UUID

import httpx2
import pytest
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.generated import actor

PACKAGE = "turnlab"
ACTOR = "/api/v1/agents/actor"

# --- Random turns ---------------------------------------------------------------------------------

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
PAUSES = st.sampled_from([["pause", 0], ["pause", 0.002], ["pause", 0.02]])
SAYS = st.one_of(st.builds(lambda text: ["say", text], TEXTS), PAUSES)
THINKS = st.one_of(st.builds(lambda text: ["think", text], TEXTS), PAUSES)
TOOLS = st.sampled_from(["quick", "slow", "picky", "broken"])
CALLS = st.builds(lambda names: [["call", names]], st.lists(TOOLS, min_size=1, max_size=3))
FAILS = st.sampled_from([[["fail", "model"]], [["fail", "bug"]]])
ANSWERS = st.builds(
    lambda thoughts, words, end: [*thoughts, *words, *end],
    st.lists(THINKS, max_size=2),
    st.lists(SAYS, max_size=6),
    st.one_of(CALLS, CALLS, st.just([]), FAILS),
).filter(lambda answer: any(what != "pause" for what, _ in answer))
LAST: list[list[Any]] = [["say", "the end"]]
SCRIPTS = st.builds(lambda answers: [*answers, LAST], st.lists(ANSWERS, max_size=3))


@dataclass(frozen=True)
class Interruption:
    """What happens to a turn, and behind how many of its events."""

    kind: str
    after: int


INTERRUPTIONS = st.one_of(
    st.just(Interruption("none", 0)),
    st.builds(
        Interruption, st.sampled_from(["stop", "leave", "leave and go on"]), st.integers(1, 8)
    ),
)


_Events = AsyncGenerator[httpx2.ServerSentEvent, None]

# --- The server that plays them -------------------------------------------------------------------


@dataclass
class Lab:
    """A served project, and one event loop for it and for its clients."""

    runner: asyncio.Runner
    client: httpx2.AsyncClient
    services: Any

    async def get(self, path: str) -> Any:
        response = await self.client.get(f"/api/v1{path}")
        assert response.status_code == 200, response.text
        return response.json()

    async def ended(self, run_id: str) -> Any:
        async with asyncio.timeout(30):
            while (run := await self.get(f"/runs/{run_id}"))["status"] == "running":
                pass
        return run

    async def events(self, method: str, path: str, **request: Any) -> _Events:
        async with self.client.stream(method, path, **request) as response:
            assert response.status_code == 200, await response.aread()
            async with aclosing(cast("_Events", aiter(httpx2.EventSource(response)))) as events:
                async for one in events:
                    yield one

    async def follow(self, run_id: str, last_event_id: str) -> list[httpx2.ServerSentEvent]:
        headers = {"Last-Event-ID": last_event_id}
        path = f"/api/v1/runs/{run_id}/events"
        return [one async for one in self.events("GET", path, headers=headers)]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    project = actor.write_project(folder / PACKAGE, PACKAGE)
    url = f"sqlite:///{folder.as_posix()}/lab.db"
    if request.param == "postgresql":
        new_url: Callable[[], str] = request.getfixturevalue("new_postgres_url")
        url = new_url()
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.syspath_prepend(project / "src")
        patch.setenv("DATABASE_URL", url)
        patch.setenv("RUNS__GRACE_S", "0")
        patch.setenv("LOG_LEVEL", "CRITICAL")
        patch.chdir(folder)
        stop = asyncio.Event()
        ready: asyncio.Future[Lab] = runner.get_loop().create_future()
        serving = runner.get_loop().create_task(_serve(runner, ready, stop))

        async def wait() -> Lab:
            await asyncio.wait({ready, serving}, return_when=asyncio.FIRST_COMPLETED)
            return ready.result() if ready.done() else await serving

        yield runner.run(wait())

        async def end() -> None:
            stop.set()
            await serving

        runner.run(end())
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]


async def _serve(runner: asyncio.Runner, ready: "asyncio.Future[Lab]", stop: asyncio.Event) -> Any:
    app = import_module(f"{PACKAGE}.main").get_app()
    await import_module(f"{PACKAGE}.core.migrate").upgrade(app.state.services.database)
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    async with app.router.lifespan_context(app):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            await server.startup(sockets=[listener])
            base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with httpx2.AsyncClient(base_url=base_url, trust_env=False, timeout=30) as client:
                ready.set_result(Lab(runner, client, app.state.services))
                await stop.wait()
            await server.shutdown()
    return None


# --- What always holds ----------------------------------------------------------------------------


@dataclass
class Told:
    """What a client has heard of one turn."""

    events: list[httpx2.ServerSentEvent] = field(default_factory=list)

    @property
    def meta(self) -> Any:
        return json.loads(self.events[0].data)

    @property
    def text(self) -> str:
        deltas = (json.loads(one.data) for one in self.events if one.event == "delta")
        return "".join(delta["text"] for delta in deltas)

    @property
    def tools(self) -> list[tuple[str, str]]:
        ends = (json.loads(one.data) for one in self.events if one.event == "tool_end")
        return [(end["tool_name"], end["outcome"]) for end in ends]


async def play(lab: Lab, script: actor.Script, interruption: Interruption) -> Told:
    body = {"message": actor.prompt(script), "stream": True}
    if interruption.kind == "leave and go on":
        body["on_disconnect"] = "continue"
    told = Told()
    async with aclosing(lab.events("POST", f"{ACTOR}/run", json=body)) as events:
        async for one in events:
            told.events.append(one)
            if len(told.events) == interruption.after:
                if interruption.kind == "stop":
                    stop = {"session_id": told.meta["session_id"]}
                    (await lab.client.post(f"{ACTOR}/stop", json=stop)).raise_for_status()
                else:
                    break
    return told


async def check(lab: Lab, script: actor.Script, interruption: Interruption, told: Told) -> None:
    run_id, session_id = told.meta["run_id"], told.meta["session_id"]
    run = await lab.ended(run_id)
    rows = (await lab.get(f"/sessions/{session_id}/messages?limit=200"))["items"]
    _statuses_are_truthful(script, interruption, told, run)
    _rows_are_whole(run, rows)

    stored = "".join(row["content"] for row in rows if row["role"] == "assistant")
    left = interruption.kind.startswith("leave") and len(told.events) == interruption.after
    later = await lab.follow(run_id, told.events[-1].id) if left else []
    rest = Told([*told.events, *later])
    assert rest.text.replace("\0", "\N{REPLACEMENT CHARACTER}") == stored, "as PostgreSQL holds it"
    whole = Told(await lab.follow(run_id, ""))
    assert (whole.text, whole.tools) == (rest.text, rest.tools)
    assert whole.events[-1].event == rest.events[-1].event
    for one in told.events[:: max(1, len(told.events) // 3)]:
        again = Told([*_until(told, one.id), *await lab.follow(run_id, one.id)])
        assert (again.text, again.tools) == (whole.text, whole.tools), one.id

    await _history_is_legal(lab, session_id)
    goes_on = {"message": actor.prompt([[["say", "again"]]]), "session_id": session_id}
    answer = await lab.client.post(f"{ACTOR}/run", json=goes_on)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["content"] == "again"


def _statuses_are_truthful(
    script: actor.Script, interruption: Interruption, told: Told, run: Any
) -> None:
    assert run["completed_at"] is not None
    fails = any(what == "fail" for answer in script for what, _ in answer)
    if run["status"] == "interrupted":
        assert run["reason"] in {"stopped", "client_gone"}
        assert interruption.kind in {"stop", "leave"}
    elif run["status"] == "error":
        assert fails or run["reason"] == "model_error", run
        assert run["error"]
    else:
        assert run["status"] == "completed"
    closing = told.events[-1]
    if interruption.kind in {"none", "stop"}:
        assert closing.event == ("error" if run["status"] == "error" else "done")
    if closing.event == "done":
        assert json.loads(closing.data)["status"] == run["status"]


def _rows_are_whole(run: Any, rows: Any) -> None:
    assert [row["position"] for row in rows] == list(range(len(rows)))
    for row in rows:
        assert (row["completed_at"] is None) == row["interrupted"], row
    if run["status"] == "completed":
        assert not any(row["interrupted"] for row in rows)
        assert rows[-1]["role"] == "assistant"


def _until(told: Told, last_event_id: str) -> list[httpx2.ServerSentEvent]:
    ids = [one.id for one in told.events]
    return told.events[: len(ids) - ids[::-1].index(last_event_id)]


async def _history_is_legal(lab: Lab, session_id: str) -> None:
    sessions = import_module(f"{PACKAGE}.sessions.store")
    bounds = import_module(f"{PACKAGE}.sessions.settings").HistorySettings(
        num_history_runs=99, max_context_length=10**9
    )
    caller = import_module(f"{PACKAGE}.auth.caller").LOCAL
    async with lab.services.database.session() as db:
        arguments = (caller, UUID(session_id), bounds)
        history, _ = await db.run_sync(sessions.load_history, *arguments)
    open_calls: set[str] = set()
    for message in history:
        for part in message.parts:
            if part.part_kind == "tool-call":
                open_calls.add(part.tool_call_id)
            elif part.part_kind == "tool-return":
                assert part.tool_call_id in open_calls, history
                open_calls.remove(part.tool_call_id)
            elif part.part_kind == "user-prompt":
                assert not open_calls, "a user speaks while calls are open"
    assert not open_calls


def _sampled(count: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=count < 100,
        database=None,
        phases=[Phase.generate, Phase.shrink] if count >= 100 else [Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def _hold(lab: Lab, script: actor.Script, interruption: Interruption) -> None:
    async def example() -> None:
        told = await play(lab, script, interruption)
        await check(lab, script, interruption, told)

    lab.runner.run(example())


def test_a_turn_that_is_left_before_the_model_has_said_a_word(lab: Lab) -> None:
    _hold(lab, [[["pause", 0.5], ["say", "too late"]]], Interruption("leave", 1))


@_sampled(40)
@given(script=SCRIPTS, interruption=INTERRUPTIONS)
def test_any_turn_interrupted_anywhere(
    lab: Lab, script: actor.Script, interruption: Interruption
) -> None:
    _hold(lab, script, interruption)


@pytest.mark.slow
@_sampled(1000)
@given(script=SCRIPTS, interruption=INTERRUPTIONS)
def test_very_many_turns_interrupted_anywhere(
    lab: Lab, script: actor.Script, interruption: Interruption
) -> None:
    _hold(lab, script, interruption)
