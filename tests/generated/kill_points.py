"""Plays one turn again and again, killed between other writes each time; says what was left.

Run with the package of a project that has the agent `actor`, its settings in the environment. Each
time a fork plays the turn and kills itself where a transaction begins or is about to be committed;
then this process finds what a later process would, and goes on with the conversation. Prints a JSON
list of it, up to the first time that the turn was over before it could be killed.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from sqlalchemy import event, text


def module(name: str) -> Any:
    """A module of the project whose package is the first argument."""
    return import_module(f"{sys.argv[1]}.{name}")


async def with_manager(action: Callable[[Any], Any]) -> Any:
    """What `action` makes of the services of a running application."""
    app = module("main").create_app()
    async with app.router.lifespan_context(app):
        await asyncio.sleep(0.05)  # the first sweep is not part of a turn
        return await action(app.state.services)


async def play(services: Any, prompt: str, session_id: Any = None) -> Any:
    """Plays a turn to its end."""
    manager = services.get(module("runs.manager").RunManager)
    definition = services.get(module("agents.registry").AgentRegistry)["actor"]
    request = module("agents.definition").AgentRequest(
        message=prompt, session_id=session_id, on_disconnect="continue"
    )
    turn = await manager.begin(module("auth.caller").LOCAL, "actor", definition, request)
    await turn.task
    return turn


def kill_at(number: int, services: Any) -> None:
    """Let this process die at the `number`th beginning or end of a transaction from now on."""
    left = number

    def count(_connection: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    for engine in services.database.sync_engines:
        event.listen(engine, "begin", count)
        event.listen(engine, "commit", count)


def play_in_a_fork(number: int, prompt: str) -> bool:
    """Whether the turn was killed at its `number`th moment; else it was over before."""

    async def until_killed(services: Any) -> None:
        kill_at(number, services)
        await play(services, prompt)

    pid = os.fork()
    if pid == 0:
        asyncio.run(with_manager(until_killed))
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


async def look(services: Any) -> dict[str, Any]:
    """What the newest run is, in rows, and how its conversation goes on."""
    caller, sessions = module("auth.caller").LOCAL, module("sessions.store")
    async with services.database.transaction() as db:
        await db.execute(text("UPDATE ai_agent_runs SET lease_until = started_at"))
        await db.run_sync(module("runs.store").sweep)
    async with services.database.session() as db:
        found = await sessions.list_sessions(db, caller, limit=1)
        if not found:
            return {"run": None}
        messages = await sessions.list_messages(db, caller, found[0].session_id, limit=100)
        run = await sessions.get_run(db, caller, messages[0].run_id)
        replayed = module("runs.replay").replay(run, messages)
    again = await play(services, json.dumps([[["say", "again"]]]), found[0].session_id)
    async with services.database.transaction() as db:
        await sessions.delete_session(db, caller, found[0].session_id)
    return {
        "run": {"status": run.status, "reason": run.reason, "ended": run.completed_at is not None},
        "messages": [
            {
                "role": row.role,
                "content": row.content,
                "open": row.completed_at is None,
                "interrupted": row.interrupted,
            }
            for row in messages
        ],
        "closing": replayed.closing.event if replayed.closing else None,
        "next": again.log.closing.event,
    }


def main() -> None:
    prompt = sys.argv[2]
    module("core.logging").configure_logging(module("core.settings").get_settings())
    module("main").create_app()  # what is imported now is not imported by each fork
    found = []
    number, killed = 0, True
    while killed:
        number += 1
        killed = play_in_a_fork(number, prompt)
        found.append({"killed": killed, **asyncio.run(with_manager(look))})
    print(json.dumps(found))


if __name__ == "__main__":
    main()
