"""The user's intent: the core's answers and the component instances, as `.mai/manifest.toml`."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..names import Name, parse

PATH = ".mai/manifest.toml"
_HEADER = """\
# What this project is made of: the answers of its core, and its components with theirs.
"""


@dataclass(frozen=True)
class Instance:
    """One component in a project, under a name of its own, with its answers."""

    kind: str
    """`agent`, `tool`, `memory`, `auth` or `feature`."""
    name: str
    """The slug, such as `order-desk`."""
    component: str
    """The id of the component, such as `agent/basic`."""
    answers: Mapping[str, Any] = field(default_factory=dict)
    """Question -> answer."""

    @property
    def key(self) -> str:
        """`agent.order-desk`: its table in the manifest."""
        return f"{self.kind}.{self.name}"

    def to_json(self) -> dict[str, Any]:
        """The instance as `--json` documents tell it."""
        return {
            "kind": self.kind,
            "name": self.name,
            "component": self.component,
            "answers": dict(self.answers),
        }

    @property
    def forms(self) -> Name:
        return parse(self.name)


@dataclass(frozen=True)
class Manifest:
    """Answers of the core, and instances in the order of their keys."""

    project: Mapping[str, Any]
    """The core's answers, such as `project_name`."""
    instances: tuple[Instance, ...] = ()
    """Its components."""

    def with_instances(self, added: Iterable[Instance]) -> "Manifest":
        by_key = {instance.key: instance for instance in (*self.instances, *added)}
        return Manifest(self.project, tuple(by_key[key] for key in sorted(by_key)))

    def without(self, key: str) -> "Manifest":
        return Manifest(self.project, tuple(i for i in self.instances if i.key != key))

    def get(self, key: str) -> Instance | None:
        """The instance under `key`, such as `agent.order-desk`."""
        return next((instance for instance in self.instances if instance.key == key), None)

    def to_toml(self) -> str:
        """The text of `.mai/manifest.toml`: one table per instance, sorted, a line per answer,
        so that two branches that each add an instance merge cleanly."""
        tables = [_table("project", dict(sorted(self.project.items())))]
        for instance in self.instances:
            answers = {"from": instance.component, **dict(sorted(instance.answers.items()))}
            tables.append(_table(f"{instance.kind}.{_key(instance.name)}", answers))
        return "\n".join([_HEADER, *tables])


def parse_key(key: str) -> tuple[str, str]:
    """`agent.order-desk` -> its kind and its name."""
    kind, _, name = key.partition(".")
    return kind, name


BROKEN = (KeyError, TypeError, AttributeError)
"""What `from_mapping` raises for a mapping that is not of a manifest's form."""


def from_mapping(stated: Mapping[str, Any]) -> Manifest:
    """The manifest in a parsed `.mai/manifest.toml`; raises `KeyError`, `TypeError` and
    `AttributeError` when it is not of that form."""
    if not isinstance(stated["project"], Mapping):
        raise TypeError("[project] is not a table")
    instances = [
        Instance(
            kind,
            name,
            _component(kind, name, answers),
            {k: v for k, v in answers.items() if k != "from"},
        )
        for kind, named in stated.items()
        if kind != "project"
        for name, answers in named.items()
    ]
    return Manifest(stated["project"]).with_instances(instances)


def _component(kind: str, name: str, answers: Mapping[str, Any]) -> str:
    if not isinstance(answers.get("from"), str):
        raise TypeError(f"[{kind}.{name}] does not say from which component it is")
    return str(answers["from"])


def _table(header: str, values: Mapping[str, Any]) -> str:
    lines = [f"{_key(key)} = {_value(value)}" for key, value in values.items()]
    return "\n".join([f"[{header}]", *lines, ""])


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_\-]+", key) else _value(key)


def _value(value: Any) -> str:
    """`value` in TOML; a JSON string, number or list of them is TOML as well."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(k)} = {_value(v)}' for k, v in value.items())} }}"
    # The one character that JSON takes as it is and TOML does not is DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
