"""Tools that call an HTTP API: one for each operation of its OpenAPI document that is named here.

The document is `http_api.json` beside this module, part of the code like the module itself: what an
API adds tomorrow is given to no agent unasked. The model chooses arguments, never the server, the
path or the credentials.
"""

import asyncio
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NotRequired, cast
from urllib.parse import quote

import httpx2
from pydantic import ConfigDict, Field, SecretStr, TypeAdapter, with_config
from pydantic_ai import ModelRetry, RunContext, Tool, ToolFailed
from pydantic_settings import SettingsConfigDict
from typing_extensions import TypedDict

from ..core.errors import StartupError
from ..core.settings import RoomSettings, load_settings
from .definition import AgentDeps, register

DOCUMENT = Path(__file__).with_suffix(".json")

OPERATIONS = ("service_health",)
"""The operations that agents may use, by their `operationId` with `_` for what no name holds."""

READ, WRITE = "http_api:read", "http_api:write"

_READING_METHODS = ("get", "head", "options")
_METHODS = (*_READING_METHODS, "post", "put", "patch", "delete")
_FOR_THE_MODEL_TO_MEND = (400, 422)
_ERROR_CHARACTERS = 1000
_COMPONENT = re.compile(r'"#/components/schemas/([^"]+)"')

_TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "array": list[Any],
    "object": dict[str, Any],
}


class HttpApiSettings(RoomSettings):
    """Where the API is, who calls it, and how much of an answer is read."""

    model_config = SettingsConfigDict(env_prefix="HTTP_API__")

    base_url: str | None = Field(
        None, description="Where the API is; empty for the first server that its document names."
    )
    auth_header: str = Field(
        "Authorization", description="The header that says who is calling, such as X-API-Key."
    )
    auth_value: SecretStr | None = Field(
        None, description="Its value, such as `Bearer …`; empty to send none."
    )
    timeout_s: float = Field(20, gt=0, description="A call that takes longer is ended.")
    max_characters: int = Field(
        20_000, ge=1, description="The model reads no more than this of an answer."
    )


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation of the API: `places` says where each argument goes."""

    name: str
    description: str
    method: str
    path: str
    server: str
    places: Mapping[str, str]
    schema: Mapping[str, Any]

    @property
    def scope(self) -> str:
        """What a caller needs to use it."""
        return READ if self.method in _READING_METHODS else WRITE

    def tool(self) -> Tool[AgentDeps]:
        """The tool that calls it; arguments are checked before, as far as their types go."""
        arguments = self._arguments_adapter()

        async def call(**given: Any) -> Any:
            return await self.call(given, load_settings(HttpApiSettings))

        def check(_ctx: RunContext[AgentDeps], **given: Any) -> None:
            arguments.validate_python(given)

        schema = dict(self.schema)
        return Tool.from_schema(call, self.name, self.description, schema, args_validator=check)

    async def call(self, given: Mapping[str, Any], settings: HttpApiSettings) -> Any:
        """What the API answers: JSON as it is, anything else as text.

        Raises `ModelRetry` for what the model can mend, `ToolFailed` for what it can't, and
        `TimeoutError`.
        """
        try:
            async with asyncio.timeout(settings.timeout_s), _client(settings) as client:
                base = (settings.base_url or self.server).rstrip("/")
                request = client.build_request(
                    self.method.upper(),
                    base + self._filled_path(given),
                    params=self._at("query", given),
                    headers={name: str(value) for name, value in self._at("header", given).items()},
                    json=given.get("body"),
                )
                response = await client.send(request, stream=True)
                return await _answer(response, settings.max_characters)
        except httpx2.TransportError as error:
            raise ToolFailed(f"The API cannot be reached: {error!r}") from error

    def _at(self, place: str, given: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in given.items() if self.places.get(name) == place}

    def _filled_path(self, given: Mapping[str, Any]) -> str:
        path = self.path
        for name, value in self._at("path", given).items():
            if str(value) in {"", ".", ".."}:  # which would lead to another operation
                raise ModelRetry(f"{value!r} cannot be {name}.")
            path = path.replace("{" + name + "}", quote(str(value), safe=""))
        return path

    def _arguments_adapter(self) -> TypeAdapter[Any]:
        fields: dict[str, Any] = {}
        for name, schema in self.schema["properties"].items():
            kind = schema.get("type")
            python = _TYPES.get(kind, Any) if isinstance(kind, str) else Any
            fields[name] = python if name in self.schema["required"] else NotRequired[python]
        make: Any = TypedDict  # which type checkers want to see written out
        return TypeAdapter(with_config(ConfigDict(extra="forbid"))(make("Arguments", fields)))


def read_document(path: Path) -> dict[str, Any]:
    """The OpenAPI document in a file; raises `StartupError` that says why it is none."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise StartupError(f"{path} is no JSON ({error}): convert it, if it is YAML") from error
    version = document.get("openapi") if isinstance(document, dict) else None
    if not str(version).startswith("3."):
        raise StartupError(f"{path} is no OpenAPI 3: its `openapi` is {version!r}, not '3.…'")
    return cast(dict[str, Any], document)


def read_operations(document: Mapping[str, Any], names: Iterable[str]) -> Iterator[Operation]:
    """The operations of these names; raises `StartupError` for one that is not there."""
    found = {one.name: one for one in _operations(document)}
    for name in names:
        if name not in found:
            near = get_close_matches(name, found, 1) or sorted(found)
            raise StartupError(f"OPERATIONS: {DOCUMENT} has no {name!r}: is it one of {near}?")
        yield found[name]


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    servers = document.get("servers") or [{"url": ""}]
    for path, item in document.get("paths", {}).items():
        for method in _METHODS:
            if method in item and "operationId" in item[method]:
                stated = item[method]
                shared = item.get("parameters", [])
                places, schema = _parameters(document, [*shared, *stated.get("parameters", [])])
                if body := _body(document, stated):
                    places["body"], schema["properties"]["body"] = "body", body["schema"]
                    schema["required"] += ["body"] if body["required"] else []
                told = (stated.get("summary", ""), stated.get("description", ""))
                yield Operation(
                    name=re.sub(r"\W", "_", stated["operationId"])[:64],
                    description="\n\n".join(filter(None, told)),
                    method=method,
                    path=path,
                    server=servers[0]["url"],
                    places=places,
                    schema=_self_contained(document, schema),
                )


def _parameters(
    document: Mapping[str, Any], stated: Iterable[Mapping[str, Any]]
) -> tuple[dict[str, str], dict[str, Any]]:
    """Where each parameter goes, and their schema as properties of an object."""
    places: dict[str, str] = {}
    properties: dict[str, Any] = {}
    required: list[str] = []
    for one in (_resolved(document, parameter) for parameter in stated):
        if one["in"] in {"path", "query", "header"}:
            places[one["name"]] = one["in"]
            about = {key: one[key] for key in ("description",) if key in one}
            properties[one["name"]] = {**one.get("schema", {}), **about}
            required += [one["name"]] if one.get("required") else []
    schema = {"type": "object", "properties": properties, "required": required}
    return places, {**schema, "additionalProperties": False}


def _body(document: Mapping[str, Any], stated: Mapping[str, Any]) -> dict[str, Any] | None:
    body = _resolved(document, stated.get("requestBody", {}))
    media = body.get("content", {}).get("application/json")
    return media and {"schema": media.get("schema", {}), "required": body.get("required", False)}


def _resolved(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """What `node` refers to in the document, if it does."""
    while "$ref" in node:
        target: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def _self_contained(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema together with those of the document that it refers to."""
    missing, found = set(_COMPONENT.findall(json.dumps(schema))), dict[str, Any]()
    while missing:
        name = missing.pop()
        found[name] = document["components"]["schemas"][name]
        missing |= set(_COMPONENT.findall(json.dumps(found[name]))) - found.keys()
    whole = {**schema, "$defs": found} if found else schema
    contained: dict[str, Any] = json.loads(_COMPONENT.sub(r'"#/$defs/\1"', json.dumps(whole)))
    return contained


def _client(settings: HttpApiSettings) -> httpx2.AsyncClient:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    if settings.auth_value is not None:
        headers[settings.auth_header] = settings.auth_value.get_secret_value()
    return httpx2.AsyncClient(headers=headers, timeout=None)  # the whole call has one


async def _answer(response: httpx2.Response, max_characters: int) -> Any:
    text = await _read(response, max_characters)
    status = f"{response.status_code} {response.reason_phrase}"
    if response.status_code in _FOR_THE_MODEL_TO_MEND:
        raise ModelRetry(f"The API answers {status}: {text[:_ERROR_CHARACTERS]}")
    if not response.is_success:
        raise ToolFailed(f"The API answers {status}: {text[:_ERROR_CHARACTERS]}")
    if len(text) > max_characters:
        return f"{text[:max_characters]}… (there is more: ask for less)"
    try:
        return json.loads(text) if text else status
    except ValueError:
        return text


async def _read(response: httpx2.Response, max_characters: int) -> str:
    """The beginning of an answer, a little more than may be told."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > 4 * max_characters:  # no character has more bytes
            break
    await response.aclose()
    return body.decode(response.encoding or "utf-8", errors="replace")


for operation in read_operations(read_document(DOCUMENT), OPERATIONS):
    register(operation.tool(), category="http_api", scopes={operation.scope})
