"""What attackers try, against a served project whose callers log in, have keys, or both.

`docs/concepts/security.md` tells of each what is answered.
"""

import json
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests import trees
from tests.generated.served import Served, command, serving, token_of

SECRET = "a-secret-of-this-test" * 4
PASSWORD = "correct horse battery staple"  # noqa: S105
HERS = "what Anna told nobody"

Change = Callable[[dict[str, Any], dict[str, Any]], None]


@dataclass(frozen=True)
class Person:
    """Somebody who has registered and logged in."""

    served: Served
    username: str
    id: str
    tokens: Mapping[str, str]

    @property
    def headers(self) -> dict[str, str]:
        return _bearing(self.tokens["access_token"])

    def call(self, method: str, path: str, **more: Any) -> httpx2.Response:
        return self.served.client.request(method, _url(path), headers=self.headers, **more)

    def new_key(self) -> tuple[str, str]:
        made = self.call("POST", "/keys", json={"name": "laptop"}).raise_for_status().json()
        return made["key_id"], made["key"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attacks") / "shop"
    trees.write(trees.manifest("shop", "standard", ["auth:jwt"]), folder)
    command(folder, "init")
    return folder


@pytest.fixture(scope="module")
def served(project: Path) -> Iterator[Served]:
    with serving(
        project,
        JWT_SECRET=SECRET,
        JWT__REGISTRATION="open",
        JWT__BCRYPT_COST="10",
        JWT__ATTEMPTS_PER_ADDRESS="1000000",
    ) as found:
        del found.client.headers["Authorization"]
        yield found


@pytest.fixture
def anna(served: Served) -> Person:
    return _someone(served, "anna")


@pytest.fixture
def bert(served: Served) -> Person:
    return _someone(served, "bert")


def _someone(served: Served, name: str) -> Person:
    username = f"{name}-{time.monotonic_ns()}"
    body = {"username": username, "password": PASSWORD}
    made = served.client.post(_url("/auth/register"), json=body).raise_for_status().json()
    return Person(served, username, made["user_id"], _log_in(served, username).json())


def _log_in(served: Served, username: str, password: str = PASSWORD, **more: Any) -> Any:
    body = {"username": username, "password": password}
    return served.client.post(_url("/auth/login"), json=body, **more)


def _url(path: str) -> str:
    return f"/api/v1{path}"


def _bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _me(served: Served, headers: Mapping[str, str]) -> int:
    answer = served.client.get(_url("/me"), headers=dict(headers))
    if answer.status_code == 401:
        assert "Bearer" in answer.headers["WWW-Authenticate"]
        assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code


def _forge(token: str, change: Change, secret: str = SECRET, algorithm: str = "HS256") -> str:
    """The token with other claims or headers, signed as whoever has `secret` would sign it."""
    said = jwt.decode_complete(token, options={"verify_signature": False})
    header, claims = said["header"], said["payload"]
    change(header, claims)
    return jwt.encode(claims, secret, algorithm, {**header, "alg": algorithm})


def _signed(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """A token signed with HS256 by hand, since the library refuses to help with most of this."""
    parts = [jwt.utils.base64url_encode(json.dumps(part).encode()) for part in (header, claims)]
    signature = jwt.get_algorithm_by_name("HS256").sign(b".".join(parts), secret)
    return b".".join([*parts, jwt.utils.base64url_encode(signature)]).decode()


def _as_it_is(_header: dict[str, Any], _claims: dict[str, Any]) -> None:
    pass


def _raw(served: Served, *lines: bytes) -> bytes:
    """What the server answers to these lines, which no client library would send."""
    address = (served.client.base_url.host, served.client.base_url.port)
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(b"\r\n".join([*lines, b"Connection: close", b"", b""]))
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def test_a_token_that_is_changed_or_signed_by_somebody_else(anna: Person, served: Served) -> None:
    token = anna.tokens["access_token"]
    assert _me(served, _bearing(_forge(token, _as_it_is))) == 200
    head, claims, signature = token.split(".")
    forged = [
        f"{head}.{claims}.{signature[::-1]}",
        f"{head}.{claims}.",
        f"{head}.{claims}",
        _forge(token, _as_it_is, SECRET[::-1]),
    ]
    for one in forged:
        assert _me(served, _bearing(one)) == 401, one


def test_a_token_that_has_expired(anna: Person, served: Served) -> None:
    def expire(_header: dict[str, Any], claims: dict[str, Any]) -> None:
        claims["exp"] = int(time.time()) - 60

    assert _me(served, _bearing(_forge(anna.tokens["access_token"], expire))) == 401


def test_a_token_without_an_algorithm(anna: Person, served: Served) -> None:
    token = anna.tokens["access_token"]
    for algorithm in ("none", "None", "NONE"):
        said = jwt.decode_complete(token, options={"verify_signature": False})
        head = jwt.utils.base64url_encode(
            json.dumps({**said["header"], "alg": algorithm}).encode()
        ).decode()
        assert _me(served, _bearing(f"{head}.{token.split('.')[1]}.")) == 401


def test_a_token_by_another_algorithm(anna: Person, served: Served) -> None:
    token = anna.tokens["access_token"]
    for algorithm in ("HS384", "HS512"):  # with the very secret
        assert _me(served, _bearing(_forge(token, _as_it_is, algorithm=algorithm))) == 401
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    said = jwt.decode_complete(token, options={"verify_signature": False})
    header, claims = said["header"], said["payload"]
    for forged in (
        jwt.encode(claims, key, "RS256", {**header, "alg": "RS256"}),
        _signed(header, claims, public),
        _signed({**header, "jwk": {"kty": "oct", "k": "c2VjcmV0"}}, claims, b"secret"),
    ):
        assert _me(served, _bearing(forged)) == 401


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("aud", "another-service"),
        ("aud", ["shop", "another-service"]),
        ("aud", None),
        ("iss", "another-service"),
        ("iss", None),
    ],
)
def test_a_token_for_another_audience_or_of_another_issuer(
    anna: Person, served: Served, claim: str, value: Any
) -> None:
    def change(_header: dict[str, Any], claims: dict[str, Any]) -> None:
        claims.pop(claim) if value is None else claims.update({claim: value})

    assert _me(served, _bearing(_forge(anna.tokens["access_token"], change))) == 401


@pytest.mark.parametrize(
    "kid",
    [
        "ffffffff",
        "",
        "../../../../dev/null",
        "/dev/null",
        "x' UNION SELECT 'secret' --",
        "https://evil.example/jwks.json",
        {"a": 1},
        None,
    ],
    ids=str,
)
def test_a_token_that_names_an_unknown_key_or_a_trick(
    anna: Person, served: Served, kid: Any
) -> None:
    said = jwt.decode_complete(anna.tokens["access_token"], options={"verify_signature": False})
    header = said["header"] | {
        "kid": kid,
        "jku": "https://evil.example/",
        "x5u": "file:///dev/null",
    }
    for secret in (b"", b"secret", SECRET.encode()):  # which somebody may hope to be taken for it
        assert _me(served, _bearing(_signed(header, said["payload"], secret))) == 401


def test_what_a_user_holds_who_is_disabled(anna: Person, served: Served, project: Path) -> None:
    _, key = anna.new_key()
    assert [_me(served, _bearing(one)) for one in (anna.tokens["access_token"], key)] == [200, 200]
    root = _bearing(token_of(project) or "")
    path = _url(f"/admin/users/{anna.id}")
    served.client.patch(path, json={"is_active": False}, headers=root).raise_for_status()
    assert [_me(served, _bearing(one)) for one in (anna.tokens["access_token"], key)] == [401, 401]
    body = {"refresh_token": anna.tokens["refresh_token"]}
    assert served.client.post(_url("/auth/refresh"), json=body).status_code == 401
    assert _log_in(served, anna.username).status_code == 401


def test_a_refresh_token_that_is_used_again(anna: Person, served: Served) -> None:
    def refresh(token: str) -> httpx2.Response:
        return served.client.post(_url("/auth/refresh"), json={"refresh_token": token})

    stolen = anna.tokens["refresh_token"]
    once = refresh(stolen).raise_for_status().json()
    twice = refresh(once["refresh_token"]).raise_for_status().json()
    assert refresh(stolen).status_code == 401
    assert refresh(twice["refresh_token"]).status_code == 401
    for tokens in (anna.tokens, once, twice):
        assert _me(served, _bearing(tokens["access_token"])) == 401


def test_two_refreshes_at_once(anna: Person, served: Served) -> None:
    body = {"refresh_token": anna.tokens["refresh_token"]}

    def refresh(_number: int) -> httpx2.Response:
        return served.client.post(_url("/auth/refresh"), json=body)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(refresh, range(8)))
    assert sorted(one.status_code for one in answers) == [200, *[409] * 7]
    [won] = [one.json() for one in answers if one.is_success]
    assert _me(served, _bearing(won["access_token"])) == 200


def test_a_key_that_was_revoked(anna: Person, served: Served) -> None:
    key_id, key = anna.new_key()
    assert _me(served, {"X-API-Key": key}) == 200
    assert anna.call("DELETE", f"/keys/{key_id}").status_code == 204
    assert _me(served, {"X-API-Key": key}) == 401


def test_a_key_of_another_prefix_or_that_is_changed(anna: Person, served: Served) -> None:
    _, key = anna.new_key()
    _, identity, secret = key.split("_", 2)
    _, other = anna.new_key()
    for forged in (
        f"sk_live_{identity}_{secret}",
        f"pk_{identity}_{secret}",
        f"sk_{identity}_{secret[::-1]}",
        f"sk_{identity}_{other.split('_', 2)[2]}",
        f"sk_{identity}_",
        f"SK_{identity}_{secret}",
        key[:-1],
        f"{key}{key}",
    ):
        for headers in ({"X-API-Key": forged}, _bearing(forged)):
            assert _me(served, headers) == 401, forged


@pytest.mark.skipif(sys.platform != "linux", reason="only there it is known")
def test_the_time_that_unknown_users_take(anna: Person, served: Served) -> None:
    """The work of the server, not the clock, which other processes make differ."""

    clock = ~served.process.pid << 3 | 2  # of the CPU time of that process

    def cost_s(username: str) -> float:
        before = time.clock_gettime(clock)
        answers = [_log_in(served, username, "a password that is wrong") for _ in range(5)]
        assert {(one.status_code, one.json()["detail"]) for one in answers} == {
            (401, answers[0].json()["detail"])
        }
        return time.clock_gettime(clock) - before

    nobody, somebody = (cost_s(name) for name in (f"nobody-{time.monotonic_ns()}", anna.username))
    assert 0.5 < nobody / somebody < 2


def test_ids_of_another_user_on_every_route(anna: Person, bert: Person, served: Served) -> None:
    run = anna.call("POST", f"/agents/{served.agent}/run", json={"message": HERS}).json()["data"]
    key_id, _ = anna.new_key()
    session = f"/sessions/{run['session_id']}"
    hers = {
        "session_id": run["session_id"],
        "run_id": run["run_id"],
        "message_id": anna.call("GET", f"{session}/messages").json()["items"][0]["message_id"],
        "key_id": key_id,
        "user_id": anna.id,
    }
    before = anna.call("GET", f"{session}/messages").json()
    document = served.client.get("/openapi.json").json()
    tried = {}
    for path, operations in document["paths"].items():
        named = [name for name in hers if f"{{{name}}}" in path]
        for method, operation in operations.items() if named else ():
            url = path.format(**hers, agent=served.agent, name=served.agent)
            kind, body = _example(operation, document)
            headers = {**bert.headers, "Content-Type": kind}
            answer = served.client.request(method, url, content=body, headers=headers)
            tried[f"{method} {path}"] = answer.status_code
            assert HERS not in answer.text
    assert len(tried) >= 10
    wrong = {
        what: status
        for what, status in tried.items()
        if status != (403 if "/admin/" in what else 404)
    }
    assert wrong == {}
    assert anna.call("GET", f"{session}/messages").json() == before
    assert [one["key_id"] for one in anna.call("GET", "/keys").json()["items"]] == [key_id]
    for path in ("/sessions", "/runs", "/keys"):
        answer = bert.call("GET", path)
        assert answer.status_code == 200
        assert not [one for one in hers.values() if one in answer.text], path
    # As an id in a body, too.
    go_on = {"message": "Go on", "session_id": run["session_id"]}
    assert bert.call("POST", f"/agents/{served.agent}/run", json=go_on).status_code == 404


def _example(operation: dict[str, Any], document: dict[str, Any]) -> tuple[str, bytes]:
    """The type of a body that the route takes, and one."""
    kinds = operation.get("requestBody", {}).get("content", {"application/json": None})
    [(kind, content)] = kinds.items()
    return kind, json.dumps(_value(content["schema"], document)).encode() if content else b""


def _value(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    name = next(one["$ref"] for one in schema.get("anyOf", [schema]) if "$ref" in one)
    schema = document["components"]["schemas"][name.rpartition("/")[2]]
    if examples := schema.get("examples"):
        return examples[0]
    required = {key: schema["properties"][key] for key in schema.get("required", ())}
    return {key: field["examples"][0] for key, field in required.items()}


def test_a_role_or_an_owner_that_somebody_gives_themselves(
    anna: Person, bert: Person, served: Served
) -> None:
    def register(**more: Any) -> int:
        body = {"username": f"eve-{time.monotonic_ns()}", "password": PASSWORD, **more}
        return served.client.post(_url("/auth/register"), json=body).status_code

    more = ({"is_superuser": True}, {"scopes": ["*"]}, {"user_id": anna.id}, {"role": "admin"})
    assert [register(**one) for one in more] == [422] * len(more)
    session = bert.call("POST", "/sessions", json={"user_id": anna.id})
    assert session.status_code == 422
    key = bert.call("POST", "/keys", json={"name": "x", "user_id": anna.id})
    assert key.status_code == 422
    assert bert.call("POST", "/keys", json={"name": "x", "scopes": ["orders"]}).status_code == 403
    assert bert.call("PATCH", f"/admin/users/{bert.id}", json={"is_superuser": True}).is_error
    assert bert.call("GET", "/me").json()["is_superuser"] is False


def test_bodies_that_are_too_large_or_make_no_sense(anna: Person, served: Served) -> None:
    json_type = {"Content-Type": "application/json"}

    def send(content: Any, **headers: str) -> int:
        told = {**anna.headers, **json_type, **headers}
        path = _url(f"/agents/{served.agent}/run")
        return served.client.post(path, content=content, headers=told).status_code

    large = b'{"message": "' + b"x" * 3_000_000 + b'"}'
    assert send(large) == 413
    assert send(large[at : at + 65536] for at in range(0, len(large), 65536)) == 413  # no length
    for nonsense in (b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"message": 1e999}', b"[" * 100_000):
        assert send(nonsense) == 422, nonsense[:20]
    assert send(b'{"message": "x"}', **{"Content-Type": "text/plain"}) == 415
    assert send(b"message=x", **{"Content-Type": "application/x-www-form-urlencoded"}) == 415
    assert _me(served, {"Authorization": "Bearer " + "x" * 60_000}) in {400, 401, 431}


def test_headers_that_smuggle_others(served: Served) -> None:
    trick = b"\nSet-Cookie: stolen=1"
    for name in (b"X-Request-ID", b"Origin", b"Authorization", b"X-API-Key", b"traceparent"):
        for value in (b"a" + trick, b"a\r" + trick, b"a%0d%0aSet-Cookie: stolen=1", b"a\0b"):
            line = name + b": " + value
            answer = _raw(served, b"GET /api/v1/me HTTP/1.1", b"Host: localhost", line)
            assert answer.split(b" ", 2)[1] in {b"400", b"401"}, line
            head = answer.partition(b"\r\n\r\n")[0].lower()
            assert b"\r\nset-cookie" not in head, line


def test_paths_that_lead_elsewhere(served: Served) -> None:
    for path in (
        *(b"/../../../../etc/passwd", b"/..%2f..%2f..%2fetc/passwd", b"/%2e%2e/%2e%2e/.env"),
        *(b"/api/v1/../../.env", b"/docs/../.env", b"/.env", b"//etc/passwd", b"/static/..%5c.env"),
        *(b"/api/v1/sessions/..%2f..%2fadmin%2fusers", b"/api/v1/agents/..%2f..%2fme/run"),
        b"/api/v1/agents/%00/run",
    ):
        answer = _raw(served, b"GET " + path + b" HTTP/1.1", b"Host: localhost")
        assert answer.split(b" ", 2)[1] in {b"400", b"401", b"404", b"405"}, path
        assert b"root:" not in answer
        assert SECRET.encode() not in answer


def test_redirects_to_another_host(served: Served) -> None:
    for path in (b"//evil.example/", b"//evil.example/%2f..", b"/\\evil.example", b"/docs//evil"):
        answer = _raw(served, b"GET " + path + b" HTTP/1.1", b"Host: localhost")
        assert answer.split(b" ", 2)[1] in {b"400", b"404"}, path
    for path in (b"/api/v1/sessions/", b"/docs/", b"/health/"):
        answer = _raw(served, b"GET " + path + b" HTTP/1.1", b"Host: evil.example")
        assert b"location:" not in answer.partition(b"\r\n\r\n")[0].lower(), path


def test_pages_of_other_origins_with_credentials(anna: Person, served: Served) -> None:
    for origin in ("https://evil.example", "null", "http://localhost.evil.example"):
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization",
        }
        asked = served.client.options(_url("/sessions"), headers=headers)
        read = served.client.get(_url("/me"), headers={**anna.headers, "Origin": origin})
        written = served.client.post(_url("/sessions"), headers={**anna.headers, "Origin": origin})
        assert (asked.status_code, written.status_code) == (405, 403)
        for answer in (asked, read, written):
            told = [name for name in answer.headers if name.startswith("access-control-allow")]
            assert told == []


def test_guesses_that_claim_to_come_from_elsewhere(anna: Person, served: Served) -> None:
    def guess(number: int) -> int:
        address = f"198.51.100.{number}"
        forged = {
            "X-Forwarded-For": address,
            "X-Real-IP": address,
            "Forwarded": f"for={address}",
            "CF-Connecting-IP": address,
            "True-Client-IP": address,
        }
        answer = _log_in(served, anna.username, "a password that is wrong", headers=forged)
        assert answer.status_code != 429 or int(answer.headers["Retry-After"]) > 0
        return int(answer.status_code)

    assert [guess(number) for number in range(12)] == [401] * 10 + [429] * 2
    assert _log_in(served, anna.username).status_code == 429, "nor with the right one"


def test_a_password_of_which_the_beginning_is_right(served: Served) -> None:
    long = "å" * 36 + " and what stands behind the 72nd byte"
    username = f"carl-{time.monotonic_ns()}"
    body = {"username": username, "password": long}
    served.client.post(_url("/auth/register"), json=body).raise_for_status()
    assert _log_in(served, username, long[:36]).status_code == 401
    assert _log_in(served, username, long[:-1] + "!").status_code == 401
    assert _log_in(served, username, "x" * 100_000).status_code == 422
    assert _log_in(served, username, long).status_code == 200


def test_names_that_look_like_anothers(anna: Person, served: Served) -> None:
    def register(username: str) -> int:
        body = {"username": username, "password": PASSWORD}
        return served.client.post(_url("/auth/register"), json=body).status_code

    name = anna.username
    for alike in (
        name.replace("a", "а"),  # noqa: RUF001 - a Cyrillic letter, which is the attack
        name.replace("a", "\uff41"),
        f"{name}\u200b",
        f"{name} ",
        f" {name}",
        f"{name}\0",
        name.replace("nn", "n\u0303n"),
    ):
        assert register(alike) == 422, alike
        assert _log_in(served, alike).status_code in {401, 422}, alike
    assert register(name.upper()) == 409
    assert _log_in(served, name.upper()).status_code == 200


def test_what_is_sent_again_after_a_logout(anna: Person, served: Served) -> None:
    other = _log_in(served, anna.username).json()
    body = {"refresh_token": anna.tokens["refresh_token"]}
    assert _me(served, anna.headers) == 200
    assert served.client.post(_url("/auth/logout"), json=body).status_code == 204
    assert _me(served, anna.headers) == 401
    assert served.client.post(_url("/auth/refresh"), json=body).status_code == 401
    assert _me(served, _bearing(other["access_token"])) == 200
    everywhere = served.client.post(
        _url("/auth/logout-everywhere"), headers=_bearing(other["access_token"])
    )
    assert everywhere.status_code == 204
    assert _me(served, _bearing(other["access_token"])) == 401


def test_a_session_or_a_login_that_somebody_else_has_chosen(
    anna: Person, bert: Person, served: Served
) -> None:
    chosen = "01a223e1-db36-7835-aacd-87d56c7605f7"
    run = f"/agents/{served.agent}/run"
    body = {"message": "Hello", "session_id": chosen}
    assert anna.call("POST", run, json=body).status_code == 404
    his = bert.call("POST", "/sessions").json()["session_id"]
    assert anna.call("POST", run, json={**body, "session_id": his}).status_code == 404
    # A login is a new one whatever was sent along, and sets no cookie that could be planted.
    planted = {"Cookie": f"session={chosen}", **bert.headers}
    fresh = _log_in(served, anna.username, headers=planted)
    assert fresh.status_code == 200
    assert "Set-Cookie" not in fresh.headers
    assert fresh.json()["refresh_token"] not in {
        anna.tokens["refresh_token"],
        bert.tokens["refresh_token"],
    }
    told = served.client.get(_url("/me"), headers=_bearing(fresh.json()["access_token"])).json()
    assert told["id"] == anna.id
