"""What a user asked for, from preset, answers file and flags, folded into one value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import UnknownName, UsageError
from ..names import parse
from ..plugins.component import KINDS
from .presets import Preset

InstanceTables = dict[tuple[str, str], dict[str, Any]]


@dataclass(frozen=True)
class Wishes:
    """Answers for the core by name, and for each wanted instance its table."""

    project: Mapping[str, Any] = field(default_factory=dict)
    instances: InstanceTables = field(default_factory=dict)


def fold(
    preset: Preset,
    answers: Mapping[str, Any],
    added: Iterable[str],
    options: Iterable[str],
) -> Wishes:
    """The wishes of `mai new`: the preset, then the answers file, `--with`, and `-o` over it.

    `added` are `KIND:NAME`, `options` `KEY=VALUE` with KEY either an answer of the core or
    `KIND.NAME.KEY`. Raises `UsageError` for one that is not of its form, `UnknownName` for
    answers to an instance that is not wanted.
    """
    project: dict[str, Any] = {}
    instances = _tables(preset.wanted)
    for key, value in answers.items():
        if key in KINDS:
            _merge(instances, _tables({key: value}))
        else:
            project[key] = value
    for text in added:
        instances.setdefault(_kind_and_name(text), {})
    for text in options:
        _set_option(project, instances, text)
    return Wishes(project, instances)


def _tables(stated: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> InstanceTables:
    try:
        return {
            (kind, parse(name).slug): dict(table or {})
            for kind, named in stated.items()
            for name, table in named.items()
        }
    except (AttributeError, TypeError, ValueError) as error:
        kinds = ", ".join(stated)
        raise UsageError(
            f"{kinds}: expected a table for each name", "such as [tool.clock] in TOML"
        ) from error


def _merge(instances: InstanceTables, more: InstanceTables) -> None:
    for key, table in more.items():
        instances[key] = {**instances.get(key, {}), **table}


def _kind_and_name(text: str) -> tuple[str, str]:
    kind, colon, name = text.partition(":")
    if not colon or not name:
        raise UsageError(f"--with {text!r}: expected KIND:NAME", "such as --with tool:clock")
    if kind not in KINDS:
        raise UnknownName("kind", kind, KINDS)
    return kind, parse(name).slug


def _set_option(project: dict[str, Any], instances: InstanceTables, text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"-o {text!r}: expected KEY=VALUE", "such as -o database=postgresql")
    path = key.split(".")
    if len(path) == 1:
        project[key] = value
        return
    if len(path) != 3:  # noqa: PLR2004 - kind, name, answer
        raise UsageError(
            f"-o {text!r}: expected KIND.NAME.KEY=VALUE", "such as -o agent.assistant.model=demo"
        )
    kind, name, answer = path
    if (kind, name) not in instances:
        raise UnknownName("instance", f"{kind}.{name}", [f"{k}.{n}" for k, n in instances])
    instances[kind, name][answer] = value
