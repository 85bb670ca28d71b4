"""Named starting points: `presets.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import UnknownName

DEFAULT = "standard"


@dataclass(frozen=True)
class Preset:
    name: str
    summary: str
    wanted: Mapping[str, Mapping[str, Mapping[str, Any]]]
    """kind -> instance name -> its table, as in a manifest."""


@cache
def presets() -> Mapping[str, Preset]:
    stated = tomllib.loads((Path(__file__).parent / "presets.toml").read_text(encoding="utf-8"))
    return {name: Preset(name, table.pop("summary"), table) for name, table in stated.items()}


def preset(name: str) -> Preset:
    """The preset of that name; raises `UnknownName`."""
    try:
        return presets()[name]
    except KeyError:
        raise UnknownName("preset", name, presets()) from None
