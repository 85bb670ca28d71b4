"""What a user asked for, from preset, answers file and flags, folded into one value."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import UnknownName, UsageError
from ..names import parse
from ..plugins.component import KINDS
from .presets import Preset

InstanceTables = dict[tuple[str, str], dict[str, Any]]
Stated = dict[str, dict[str, Any]]
"""Answers by whom they are for: `core`, or the key of an instance."""
CORE = "core"


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
    for owner, stated in parse_options(options).items():
        if owner == CORE:
            project |= stated
        else:
            _instance_table(instances, owner).update(stated)
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
    parts = re.split("[:/]", text)
    if len(parts) != 2 or ":" not in text or not parts[1]:  # noqa: PLR2004 - kind and name
        *_, kind, name = ["", *parts]
        meant = f"--with {kind}:{name}" if kind in KINDS and name else "such as --with tool:clock"
        raise UsageError(f"--with {text!r}: expected KIND:NAME", meant)
    kind, name = parts
    if kind not in KINDS:
        raise UnknownName("kind", kind, KINDS)
    return kind, parse(name).slug


def _instance_table(instances: InstanceTables, key: str) -> dict[str, Any]:
    kind, _, name = key.partition(".")
    if (kind, name) not in instances:
        raise UnknownName("instance", key, [f"{k}.{n}" for k, n in instances])
    return instances[kind, name]


def parse_options(options: Iterable[str]) -> Stated:
    """`KEY=VALUE` and `KIND.NAME.KEY=VALUE`, by whom they are for: `core` or an instance's key.

    Raises `UsageError` for one that is not of its form.
    """
    stated: Stated = {}
    for text in options:
        key, equals, value = text.partition("=")
        owner, _, name = key.rpartition(".")
        if not equals or not name:
            raise UsageError(f"{text!r}: expected KEY=VALUE", "such as database=postgresql")
        if owner.count(".") != 1 and owner:
            raise UsageError(
                f"{text!r}: expected KIND.NAME.KEY=VALUE", "such as agent.assistant.model=demo"
            )
        stated.setdefault(owner or CORE, {})[name] = value
    return stated
