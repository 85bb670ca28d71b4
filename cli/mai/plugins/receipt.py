"""What `uv tool install` was once told, from the receipt that it left, to be told again."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from packaging.utils import canonicalize_name

from ..errors import Refused

NAME = "uv-receipt.toml"
_KNOWN = {"requirements", "entrypoints", "python", "options"}


@dataclass(frozen=True)
class Receipt:
    """`requirements` has the tool itself first, then each `--with`."""

    requirements: tuple[Mapping[str, Any], ...]
    entrypoints: tuple[Mapping[str, str], ...]
    python: str | None
    options: Mapping[str, Any]

    @property
    def names(self) -> set[str]:
        """What was installed beside the tool, normalised."""
        return {canonicalize_name(stated["name"]) for stated in self.requirements[1:]}

    @property
    def scripts(self) -> Path:
        """Where the tool's commands lie."""
        return Path(self.entrypoints[0]["install-path"]).parent

    def arguments(self, *, without: str = "") -> list[str]:
        """All of it as `uv tool install` takes it, but for the distribution `without`."""
        tool, *beside = self.requirements
        said = [*(["--editable"] if "editable" in tool else []), _requirement(tool)]
        for stated in beside:
            if canonicalize_name(stated["name"]) != without:
                said += [self._flag(stated), _requirement(stated)]
        said += ["--python", self.python] if self.python else []
        return [*said, *_options(self.options)]

    def _flag(self, stated: Mapping[str, Any]) -> str:
        if "editable" in stated:
            return "--with-editable"
        has_commands = any(entry["from"] == stated["name"] for entry in self.entrypoints)
        return "--with-executables-from" if has_commands else "--with"


def read_receipt(environment: Path) -> Receipt:
    """The receipt of a uv tool's environment.

    Raises `Refused` when it has something that could not be said again, which would be lost.
    """
    path = environment / NAME
    stated = tomllib.loads(path.read_text(encoding="utf-8"))["tool"]
    if unknown := sorted(key for key, value in stated.items() if value and key not in _KNOWN):
        raise Refused(
            f"{path} has {', '.join(unknown)}, which mai cannot repeat",
            "run your `uv tool install` again, with one more --with",
        )
    return Receipt(
        tuple(stated["requirements"]),
        tuple(stated["entrypoints"]),
        stated.get("python"),
        stated.get("options", {}),
    )


def _requirement(stated: Mapping[str, Any]) -> str:
    """One entry of the receipt as a requirement of PEP 508; an editable one as its folder."""
    if "editable" in stated:
        return str(stated["editable"])
    extras = f"[{','.join(stated['extras'])}]" if stated.get("extras") else ""
    marker = f" ; {stated['marker']}" if "marker" in stated else ""
    place = _place(stated)
    version = f" @ {place}" if place else stated.get("specifier", "")
    return f"{stated['name']}{extras}{version}{marker}"


def _place(stated: Mapping[str, Any]) -> str:
    subfolder = f"#subdirectory={stated['subdirectory']}" if "subdirectory" in stated else ""
    if path := stated.get("path") or stated.get("directory"):
        return f"{Path(path).as_uri()}{subfolder}"
    if "git" in stated:
        return _git(stated["git"])
    return f"{stated['url']}{subfolder}" if "url" in stated else ""


def _git(stated: str) -> str:
    """`https://host/repo?tag=v1` of a receipt as `git+https://host/repo@v1`."""
    url, _, query = stated.partition("#")[0].partition("?")
    asked = {key: values[0] for key, values in parse_qs(query).items()}
    subfolder = asked.pop("subdirectory", "")
    revision = next((f"@{value}" for key, value in asked.items() if key in _REVISIONS), "")
    return f"git+{url}{revision}" + (f"#subdirectory={subfolder}" if subfolder else "")


_REVISIONS = {"rev", "tag", "branch"}


def _options(stated: Mapping[str, Any]) -> Iterator[str]:
    """uv's settings as its options: an index, where to find links, what is allowed."""
    for key, value in stated.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not False:
                yield from _option(key, one)


def _option(key: str, value: Any) -> Iterator[str]:
    if key == "index" and isinstance(value, dict):
        flag = "--default-index" if value.get("default") else "--index"
        name = f"{value['name']}=" if value.get("name") else ""
        yield from (flag, f"{name}{value['url']}")
    elif value is True:
        yield f"--{key}"
    elif isinstance(value, str):
        yield from (f"--{key}", value)
    else:
        raise Refused(
            f"the tool was installed with {key} = {value!r}, which mai cannot repeat",
            "run your `uv tool install` again, with one more --with",
        )
