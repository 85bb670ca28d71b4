"""What streaming costs a served project: `uv run python -m tests.bench.serve [--quick]`.

Each server answers the same loads in turn, with the model behind HTTP in a process of its own and
200 chunks in each answer. What counts is the CPU time that a server takes for a chunk, as a ratio
to the straightforward one's. Prints tables, and exits with 1 when a goal is missed.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.bench.serve import servers
from tests.bench.serve.load import Load, put
from tests.bench.serve.model import WORDS
from tests.bench.serve.servers import Server
from tests.services import new_database, running_postgres

ONE, FIFTY, PACED = Load(1, 20), Load(50, 50), Load(10, 20, pace_ms=10)
LOADS = (ONE, FIFTY, Load(200, 200), PACED, Load(50, 50, pace_ms=10))
ROUNDS = {ONE: 3, FIFTY: 3, PACED: 3}  # of those on which a goal depends; the others have one
STARTS = 5
WINDOWS_MS = (0, 50)
STRAIGHTFORWARD = "straightforward"
GATHERED_AT_MOST = {ONE: 0.2, FIFTY: 0.13, PACED: 0.35}
PLAIN_AT_MOST = 1.1
IMPORTS = "import fastapi, pydantic_ai, sqlalchemy"


class Cost(NamedTuple):
    """What a load has cost a server."""

    chunk_us: float
    database_us: float
    streams_per_s: float
    first_p50_ms: float
    first_p95_ms: float
    memory_mb: float
    failed: float


@dataclass(frozen=True)
class Goal:
    """Something measured, and what it may be at most."""

    what: str
    measured: float
    at_most: float

    def __str__(self) -> str:
        verdict = "" if self.is_met else "  MISSED"
        return f"{self.what:<58} {self.measured:8.2f}  (at most {self.at_most:.4g}){verdict}"

    @property
    def is_met(self) -> bool:
        return self.measured <= self.at_most


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    loads = (ONE, FIFTY, PACED) if quick else LOADS
    with tempfile.TemporaryDirectory() as name, running_postgres() as postgres:
        project = servers.render(Path(name) / "shop")
        goals = list(start_up(project, Path(name)))
        with all_servers(project, Path(name), postgres) as running:
            print_head()
            for load in loads:
                costs = compare(load, running, postgres, 1 if quick else ROUNDS.get(load, 1))
                print_rows(load, costs)
                goals += judge(load, costs)
    print()
    print(*goals, sep="\n")
    sys.exit(not all(goal.is_met for goal in goals))


@contextmanager
def all_servers(project: Path, scratch: Path, postgres: Path) -> Iterator[dict[str, Server]]:
    """Every server by its name, warm."""
    with ExitStack() as stack:
        model_url = stack.enter_context(servers.model())
        running = {
            name: stack.enter_context(servers.reference(name, model_url, project))
            for name in ("proxy", STRAIGHTFORWARD, "gathered")
        }
        for window_ms in WINDOWS_MS:
            sqlite = f"sqlite:///{scratch / f'{window_ms}.db'}"
            for database, url in ("SQLite", sqlite), ("PostgreSQL", new_database(postgres)):
                served = servers.project(project, model_url, url, window_ms / 1000)
                running[f"ours, {database}, {window_ms} ms"] = stack.enter_context(served)
        for server in running.values():
            put(Load(10, 20), server.port, server.path)
        yield running


def compare(
    load: Load, running: Mapping[str, Server], postgres: Path, rounds: int
) -> dict[str, Cost]:
    """The median costs of the load, put on each server in turn."""
    costs: dict[str, list[Cost]] = {name: [] for name in running}
    for _ in range(rounds):
        for name, server in running.items():
            costs[name].append(measure(load, server, postgres))
    return {
        name: Cost(*map(statistics.median, zip(*of, strict=True))) for name, of in costs.items()
    }


def measure(load: Load, server: Server, postgres: Path) -> Cost:
    server_s, database_s = server.cpu_s(), servers.postgres_cpu_s(postgres)
    answers = put(load, server.port, server.path)
    chunks = load.runs * len(WORDS)
    return Cost(
        chunk_us=(server.cpu_s() - server_s) / chunks * 1e6,
        database_us=(servers.postgres_cpu_s(postgres) - database_s) / chunks * 1e6,
        streams_per_s=load.runs / answers.elapsed_s,
        first_p50_ms=answers.first_text_ms(50),
        first_p95_ms=answers.first_text_ms(95),
        memory_mb=server.memory_mb(),
        failed=answers.failed,
    )


def print_head() -> None:
    columns = ["streams", "server", "µs a chunk", "ratio", "PostgreSQL, µs", "streams a second"]
    columns += ["first text, p50 / p95 ms", "MB"]
    print(f"| {' | '.join(columns)} |")
    print("|---" * len(columns) + "|")


def print_rows(load: Load, costs: Mapping[str, Cost]) -> None:
    for name, cost in costs.items():
        ratio = cost.chunk_us / costs[STRAIGHTFORWARD].chunk_us
        database = f"{cost.database_us:.0f}" if "PostgreSQL" in name else ""
        print(
            f"| {load} | {name} | {cost.chunk_us:.0f} | {ratio:.2f} | {database} "
            f"| {cost.streams_per_s:.1f} | {cost.first_p50_ms:.0f} / {cost.first_p95_ms:.0f} "
            f"| {cost.memory_mb:.0f} |",
            flush=True,
        )


def judge(load: Load, costs: Mapping[str, Cost]) -> Iterator[Goal]:
    base = costs[STRAIGHTFORWARD]
    for name, cost in costs.items():
        if not name.startswith("ours"):
            continue
        if cost.failed:
            yield Goal(f"{name}: {load}, failed answers", cost.failed, 0)
        gathered = name.endswith(" 50 ms")
        at_most = GATHERED_AT_MOST.get(load) if gathered else PLAIN_AT_MOST
        if at_most:
            yield Goal(f"{name}: {load}, CPU", cost.chunk_us / base.chunk_us, at_most)
        if gathered:
            first, limit = cost.first_p50_ms, base.first_p50_ms
            yield Goal(f"{name}: {load}, first text, ms", first, limit)


def start_up(project: Path, scratch: Path) -> Iterator[Goal]:
    """How long `serve` takes to its first answer, and what it then needs of memory."""
    settings = {"DATABASE_URL": f"sqlite:///{scratch / 'idle.db'}"}
    imported, answered, idle_mb = [], [], []
    for _ in range(STARTS):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", IMPORTS], check=True)
        imported.append(time.perf_counter() - began)
        began = time.perf_counter()
        with servers.served(project, **settings) as server:
            answered.append(time.perf_counter() - began)
            idle_mb.append(server.memory_mb())
    ratio = statistics.median(answered[1:]) / statistics.median(imported[1:])
    yield Goal(f"serve to its first answer / python -c '{IMPORTS}'", ratio, 2)
    yield Goal("an idle server, MB", max(idle_mb), 150)


if __name__ == "__main__":
    main()
