"""Measuring for the benches: CPU time of whole processes, children included."""

import os
import resource
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROUNDS = 11


def medians(*commands: Callable[[], list[str]], cwd: Path | None = None) -> list[float]:
    """The median CPU seconds of each command, run in turn; the first round only warms up.

    What has to be prepared for a run is done by the function that gives its command.
    """
    costs: list[list[float]] = [[] for _ in commands]
    for _ in range(ROUNDS + 1):
        for cost, command in zip(costs, commands, strict=True):
            cost.append(cpu_s(command(), cwd))
    return [statistics.median(cost[1:]) for cost in costs]


def cpu_s(command: list[str], cwd: Path | None = None) -> float:
    # As on a user's machine, where modules are compiled once.
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=env, cwd=cwd, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def script(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def fresh(folder: Path) -> str:
    shutil.rmtree(folder, ignore_errors=True)
    return str(folder)
