"""An issuer of tokens on this machine: it says where its keys are, signs, and tells what holds."""

import asyncio
import json
import socket
import time
from base64 import b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

AUDIENCE = "https://shop.example"
CLIENT = ("shop", "p/ss word")

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Issuer:
    """`asked` counts the paths that it was asked for, `seen` holds the tokens that it was shown.

    What it does may be changed at any time; `answers` is what it says at a path instead.
    """

    def __init__(self) -> None:
        self.url = ""
        self.keys: dict[str, PrivateKey] = {"first": ec.generate_private_key(ec.SECP256R1())}
        self.asked: Counter[str] = Counter()
        self.answers: dict[str, Any] = {}
        self.introspected: dict[str, dict[str, Any]] = {}
        self.is_away = False
        self.is_slow = False
        self.seen: list[str] = []

    def claims(self, subject: str = "anna", **claims: Any) -> dict[str, Any]:
        """What a token of this subject says that holds for a minute."""
        now = int(time.time())
        usual = {"iss": self.url, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + 60}
        return {name: value for name, value in {**usual, **claims}.items() if value is not None}

    def token(self, subject: str = "anna", key_id: str = "first", **claims: Any) -> str:
        """A token that it signed; a claim that is None is left out."""
        return self.sign(self.claims(subject, **claims), key_id)

    def sign(self, claims: Mapping[str, Any], key_id: str = "first", **header: Any) -> str:
        """Whatever claims, signed by one of its keys; a header that is None is left out."""
        key = self.keys[key_id]
        name = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
        algorithm: Any = jwt.get_algorithm_by_name(name)
        usual = {"alg": name, "typ": "JWT", "kid": key_id}
        given = {name: part for name, part in {**usual, **header}.items() if part is not None}
        return assemble(given, claims, lambda signed: algorithm.sign(signed, key))

    def hand_out(self, subject: str = "anna", **claims: Any) -> str:
        """A token that says nothing, of which it tells these claims."""
        token = f"opaque-{subject}-{len(self.introspected)}"
        self.introspected[token] = {"active": True, **self.claims(subject, **claims)}
        return token

    async def _answer(self, request: Request) -> Response:
        self.asked[request.url.path] += 1
        if self.is_slow:
            await asyncio.sleep(60)
        if self.is_away:
            return Response("down for maintenance", 503)
        if (answer := self.answers.get(request.url.path)) is not None:
            return JSONResponse(answer)
        if request.url.path == "/introspect":
            return await self._introspect(request)
        if request.url.path == "/keys":
            told = [
                {"kid": key_id, "use": "sig"} | public(key) for key_id, key in self.keys.items()
            ]
            return JSONResponse({"keys": told})
        return JSONResponse({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

    async def _introspect(self, request: Request) -> Response:
        if _client_of(request) != CLIENT:
            return Response(status_code=401)
        [token] = parse_qs((await request.body()).decode())["token"]
        self.seen.append(token)
        return JSONResponse(self.introspected.get(token, {"active": False}))

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Issuer"]:
        """The issuer on a port of loopback, which is its `url`."""
        app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])])
        config = uvicorn.Config(app, lifespan="off", log_level="warning", access_log=False)
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            await server.startup(sockets=[listener])
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            yield self
            server.servers[0].close()  # `shutdown` sleeps


def assemble(
    header: Mapping[str, Any], claims: Mapping[str, Any], sign: Callable[[bytes], bytes]
) -> str:
    """A JSON Web Token of anything at all."""
    signed = b".".join(_encode(json.dumps(part).encode()) for part in (header, claims))
    return b".".join((signed, _encode(sign(signed)))).decode()


def _encode(part: bytes) -> bytes:
    return urlsafe_b64encode(part).rstrip(b"=")


def public(key: PrivateKey) -> dict[str, Any]:
    """What others may know of a key, as JSON Web Key."""
    if isinstance(key, rsa.RSAPrivateKey):
        return RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return ECAlgorithm.to_jwk(key.public_key(), as_dict=True)


def _client_of(request: Request) -> tuple[str, ...]:
    """Who asks, https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1."""
    _, _, sent = request.headers["Authorization"].partition(" ")
    return tuple(map(unquote_plus, b64decode(sent).decode().split(":")))
