"""Auth modes that come and go: what a project is after each change, and whom it still knows."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Mai
from tests.generated.served import command, serving, token_of
from tests.generated.test_suites import lint, run_suite, servers

WHAT_A_MODE_CHANGES = (
    "tests/auth/test_modes.py",
    "tests/auth/test_routes.py",
    "tests/core/test_modules.py",
    "tests/core/test_openapi.py",
    "tests/core/test_settings.py",
)
STEPS = {
    "made": ("new", "shop", "--preset", "minimal", "--with", "auth:jwt", "--with", "auth:api_key"),
    "added": ("add", "auth", "oidc"),
    "removed": ("remove", "auth", "jwt"),
}


@pytest.mark.parametrize(
    ("database", "tests", "checked"),
    [
        pytest.param("sqlite", WHAT_A_MODE_CHANGES, {"removed"}, id="sqlite"),
        pytest.param("postgresql", WHAT_A_MODE_CHANGES, set(), id="postgresql"),
        pytest.param("sqlite", (), STEPS, id="each step", marks=pytest.mark.slow),
        pytest.param("postgresql", (), STEPS, id="each step on PostgreSQL", marks=pytest.mark.slow),
    ],
)
def test_modes_come_and_go_and_users_stay(
    database: str,
    tests: tuple[str, ...],
    checked: Collection[str],
    mai: Mai,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    check_types: Callable[[Path], None],
) -> None:
    project = tmp_path / "shop"
    environment = servers(request, database)
    url = request.getfixturevalue("new_postgres_url")() if environment else None
    session = None
    for step, (verb, *words) in STEPS.items():
        mai(
            verb, *words, *(["-o", f"database={database}"] if verb == "new" else []), "--no-install"
        )
        monkeypatch.chdir(project)
        if url:
            monkeypatch.setenv("DATABASE_URL", url)
        command(project, "init")
        session = _is_known(project, session, logs_in=step != "removed")
        monkeypatch.delenv("DATABASE_URL", raising=False)
        if step in checked:
            lint(project)
            check_types(project)
            run_suite(project, *tests, **environment)


def _is_known(project: Path, session: Any, *, logs_in: bool) -> Any:
    """Call with the first key of the first user, whose conversation is one and the same."""
    with serving(project) as served:
        assert token_of(project)
        me = served.get("/me")
        assert (me["name"], me["mode"], me["is_superuser"]) == ("admin", "api_key", True)
        if session is None:
            session = served.ask("Hello!")["data"]["session_id"]
        assert served.ask("And again!", session)["data"]["session_id"] == session
        body = {"username": "admin", "password": "correct horse battery staple"}
        if logs_in:
            path = f"/api/v1/admin/users/{me['id']}/password"
            served.client.put(path, json={"password": body["password"]}).raise_for_status()
            tokens = served.client.post("/api/v1/auth/login", json=body).raise_for_status().json()
            headers = {"Authorization": f"Bearer {tokens['access_token']}"}
            told = served.client.get("/api/v1/me", headers=headers).json()
            assert (told["id"], told["mode"]) == (me["id"], "jwt")
        else:
            assert served.client.post("/api/v1/auth/login", json=body).status_code == 404
        return session
