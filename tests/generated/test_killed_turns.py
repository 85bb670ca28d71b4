"""A process that is killed between any two writes of a turn leaves a truth to go on from."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.generated import actor, kill_points

SCRIPT: actor.Script = [
    [["say", "one "], ["pause", 0.3], ["say", "two "], ["call", ["quick", "slow"]]],
    [["think", "hm"], ["say", "three"]],
]


@pytest.mark.skipif(os.name == "nt", reason="Windows neither forks nor knows SIGKILL")
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_turn_that_is_killed_anywhere(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    project = actor.write_project(tmp_path / "shop", "shop")
    env = {**os.environ, "PYTHONPATH": str(project / "src"), "LOG_LEVEL": "CRITICAL"}
    if database == "postgresql":
        new_url: Callable[[], str] = request.getfixturevalue("new_postgres_url")
        env["DATABASE_URL"] = new_url()
    subprocess.run(
        [sys.executable, "-m", "shop", "db", "upgrade"], cwd=project, env=env, check=True
    )
    command = [sys.executable, kill_points.__file__, "shop", actor.prompt(SCRIPT)]
    done = subprocess.run(
        command, cwd=project, env=env, check=True, capture_output=True, text=True, timeout=120
    )
    *killed, over = json.loads(done.stdout)

    assert over["run"]["status"] == "completed"
    assert len(killed) > 6
    stored = [left for left in killed if left["run"]]
    assert stored != killed, "killed before anything was stored, nothing is there"
    for left in stored:
        assert left["run"]["status"] in {"interrupted", "completed"}
        assert left["run"]["ended"]
        if left["run"]["status"] == "interrupted":
            assert left["run"]["reason"] == "process_died"
        assert left["closing"] == "done"
        assert left["messages"][0]["content"] == actor.prompt(SCRIPT)
        spoken = "".join(m["content"] for m in left["messages"] if m["role"] == "assistant")
        assert actor.said(SCRIPT).startswith(spoken)
        assert all(message["interrupted"] for message in left["messages"] if message["open"])
        assert left["next"] == "done"
    texts = {"".join(m["content"] for m in left["messages"][1:]) for left in stored}
    assert len(texts) > 2, "what was said before a kill is kept"
