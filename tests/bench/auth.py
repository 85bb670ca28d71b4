"""What it costs to know a caller, as a ratio of CPU time: `uv run python -m tests.bench.auth`.

One project has two empty routes, one of which takes the caller. Both are asked in turn by one
client that sends what each mode wants; what counts is the CPU time of the server's process for a
request. A caller may add half of what the route without one costs.
"""

import http.client
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests import trees
from tests.bench.serve.servers import Server, environment, served
from tests.generated.served import token_of

REQUESTS = 2000
ROUNDS = 9
AT_MOST = 1.5
PASSWORD = "correct horse battery staple"  # noqa: S105
OPEN, ASKING = "/api/v1/empty/open", "/api/v1/empty/asking"
SETTINGS = {
    "LOG_LEVEL": "WARNING",  # a line for each request costs as much as an empty route
    "RATE_LIMITS": "default:1000000000",  # each is counted
}
ROOM = {
    "__init__.py": '''"""I know nothing."""

from ..core.modules import AppModule

module = AppModule(name="empty", router=".routes:router")
''',
    "routes.py": '''"""Two routes that do nothing, one of them for callers who say who they are."""

from fastapi import APIRouter

from ..auth.caller import PUBLIC, CurrentUser

router = APIRouter(prefix="/empty")


@router.get("/open", openapi_extra=PUBLIC)
async def answer_everybody() -> dict[str, str]:
    return {}


@router.get("/asking")
async def answer_callers(caller: CurrentUser) -> dict[str, str]:
    return {}
''',
}


def main() -> None:
    ratios = {mode: measure(mode, sends) for mode, sends in MODES.items()}
    for mode, ratio in ratios.items():
        verdict = "" if ratio <= AT_MOST else "  MISSED"
        print(f"a caller of {mode} / none: {ratio:.2f}  (at most {AT_MOST}){verdict}")
    sys.exit(max(ratios.values()) > AT_MOST)


def a_key(project: Path, _server: Server) -> str:
    """The key that `init` made."""
    return str(token_of(project))


def an_access_token(project: Path, server: Server) -> str:
    """The token of a user who logs in."""
    shop(project, "user", "create", "anna")
    shop(project, "password", "set", "anna", told=f"{PASSWORD}\n")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    body = json.dumps({"username": "anna", "password": PASSWORD})
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/api/v1/auth/login", body, headers)
    return str(json.load(connection.getresponse())["access_token"])


Sends = Callable[[Path, Server], str]
MODES: Mapping[str, Sends] = {"api-key": a_key, "jwt": an_access_token}
"""What bears a request, by the name of the mode."""


def shop(project: Path, *words: str, told: str = "") -> None:
    line = [sys.executable, "-m", "shop", *words]
    env = environment(project)
    subprocess.run(line, cwd=project, env=env, check=True, capture_output=True, input=told.encode())


def measure(mode: str, sends: Sends) -> float:
    """The cost of a request whose caller is known by this mode, in those of one without."""
    with tempfile.TemporaryDirectory() as folder:
        made = trees.manifest("shop", "minimal", added=[f"auth:{mode}"])
        project = trees.write(made, Path(folder) / "shop")
        for name, text in ROOM.items():
            file = project / "src/shop/empty" / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        shop(project, "init")
        with served(project, **SETTINGS) as server:
            return compare(server, {"Authorization": f"Bearer {sends(project, server)}"})


def compare(server: Server, headers: Mapping[str, str]) -> float:
    """The median of the rounds after the first, which warms up."""
    costs: dict[str, list[float]] = {OPEN: [], ASKING: []}
    for _ in range(ROUNDS + 1):
        for path, cost in costs.items():
            cost.append(request_s(server, path, headers))
    empty, asking = (statistics.median(cost[1:]) for cost in costs.values())
    print(f"{OPEN} {empty * 1e6:.0f} µs, {ASKING} {asking * 1e6:.0f} µs a request")
    return asking / empty


def request_s(server: Server, path: str, headers: Mapping[str, str]) -> float:
    """The server's CPU time for one of many requests on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    before = server.cpu_s()
    for _ in range(REQUESTS):
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        if answer.read() != b"{}":
            raise AssertionError(f"{path} answers with {answer.status}")
    connection.close()
    return (server.cpu_s() - before) / REQUESTS


if __name__ == "__main__":
    main()
