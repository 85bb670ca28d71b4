"""Questions, in Copier's own format, as frozen values.

mai asks, checks and completes answers by itself, so that a dry run, `--json` and an error
message all know the schema, and Copier is handed complete answers. What mai would not honour
is refused when the file is read. Source: https://copier.readthedocs.io/en/stable/configuring/
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import TypeAdapter, ValidationError

from ..errors import BrokenComponent

AnswerType = Literal["str", "int", "float", "bool", "yaml", "json"]
_KEYS = {
    "type", "help", "default", "choices", "multiselect", "when", "ask", "validator", "secret",
    "placeholder",
}  # fmt: skip


@dataclass(frozen=True)
class Question:
    """One question; `default`, `when` and `validator` may be Jinja over earlier answers."""

    name: str
    type: AnswerType = "str"
    """`str`, `int`, `float`, `bool`, `yaml` or `json`."""
    help: str = ""
    """The question as a person is asked it."""
    default: Any = None
    """The answer when nobody gives one; of a text question `""`."""
    choices: Mapping[str, Any] = field(default_factory=dict)
    """Label -> value; empty when any answer will do."""
    multiselect: bool = False
    """Whether the answer is a list of choices."""
    when: str | bool = True
    """When false the question is not the user's: its default is the answer."""
    ask: bool = True
    """When false it is not asked, but can be set."""
    validator: str = ""
    """Renders to what is wrong with the answer; to nothing when it is right."""
    secret: bool = False
    """Whether it is not shown while it is typed."""
    placeholder: str = ""
    """What is shown where nothing is typed yet."""
    where: str = field(default="", compare=False)
    """The file and the line where it stands."""

    @property
    def hidden(self) -> bool:
        """Whether it is never the user's to answer: mai computes it."""
        return self.when is False


_QUESTION = TypeAdapter(Question)


def read_questions(path: Path) -> tuple[Question, ...]:
    """The questions of a `copier.yml`, in order; none when there is no file.

    Raises `BrokenComponent` for YAML that is broken, a key that mai does not honour, and for
    Copier's settings (`_tasks`, `_migrations`, …), which only the core may have.
    """
    if not path.is_file():
        return ()
    stated = _read(path)
    if settings := sorted(key for key in stated.values if key.startswith("_")):
        told = (
            f"{', '.join(settings)}: a component has questions only; rendering runs no code of it"
        )
        raise stated.broken(told, settings[0])
    return tuple(_question(stated, name) for name in stated.values)


def read_core_questions(path: Path) -> tuple[Question, ...]:
    """The questions of the core's `copier.yml`; Copier's own settings in it are left to Copier."""
    stated = _read(path)
    return tuple(_question(stated, name) for name in stated.values if not name.startswith("_"))


@dataclass(frozen=True)
class _Stated:
    """What a `copier.yml` states, and on which line each of it begins."""

    path: Path
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def broken(self, reason: str, name: str) -> BrokenComponent:
        return BrokenComponent(self.path, reason, line=self.lines.get(name))


def _read(path: Path) -> _Stated:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(path.read_text(encoding="utf-8"))
    try:
        node = loader.get_single_node()
        values = loader.construct_document(node) if node else {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        raise BrokenComponent(path, f"is not YAML: {error}", line=line) from error
    finally:
        loader.dispose()
    if not isinstance(values, dict):
        raise BrokenComponent(path, "expected a mapping of questions", line=1)
    lines = {key.value: key.start_mark.line + 1 for key, _ in node.value} if node else {}
    return _Stated(path, values, lines)


def _question(stated: _Stated, name: str) -> Question:
    spec = stated.values[name]
    spec = spec if isinstance(spec, dict) else {"default": spec, "type": _type_of(spec)}
    if unknown := sorted(set(spec) - _KEYS):
        raise stated.broken(f"question {name!r}: mai does not know {', '.join(unknown)}", name)
    where = f"{stated.path}:{stated.lines.get(name, 1)}"
    choices = spec.get("choices", {})
    try:
        return _QUESTION.validate_python(
            {**spec, "name": name, "choices": _choices(choices), "where": where}
        )
    except (ValidationError, ValueError) as error:
        raise stated.broken(f"question {name!r}: {error}", name) from error


def _choices(stated: object) -> dict[str, Any]:
    if isinstance(stated, dict):
        return {str(label): value for label, value in stated.items()}
    if isinstance(stated, list):
        pairs = (item if isinstance(item, list) else (item, item) for item in stated)
        return {str(label): value for label, value in pairs}
    raise ValueError("choices are a list or a mapping")


def _type_of(value: object) -> str:
    if isinstance(value, bool | int | float | str):
        return type(value).__name__
    return "yaml"
