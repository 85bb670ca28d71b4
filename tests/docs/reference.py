"""The generated pages of `docs/reference/`: `uv run python -m tests.docs.reference` writes them."""

import json
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args

import typer
from mai import errors
from mai.commands.app import STOPPED, LazyGroup, app
from mai.console import documents
from mai.console.report import SCHEMA
from mai.errors import MaiError
from mai.plan.presets import presets
from mai.plugins.core import core_questions
from mai.plugins.questions import Question
from pydantic import ConfigDict, TypeAdapter

from tests import trees
from tests.docs.plugin_interface import plugin_interface

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"
SCHEMA_FILE = FOLDER / "json.schema.json"
NOTICE = "<!-- Generated from the code: uv run python -m tests.docs.reference -->\n"

STATUSES = {
    "done": (0, "it is done, or there was nothing to refuse"),
    "planned": (0, "a dry run: what would happen; nothing was written"),
    "unchanged": (0, "there was nothing to do"),
    "conflict": (1, "it is written, and files wait for you: settle them, then `mai resolve`"),
    "failed": (1, "a check is not ok; its `mend` says what to type"),
    "error": ("1 or 2", "nothing was written; `error` says why"),
}
"""Each status of a document with its exit code."""


def pages() -> dict[Path, str]:
    """Each generated page with its text."""
    return {
        FOLDER / "commands.md": NOTICE + "\n".join(commands()),
        FOLDER / "json.md": NOTICE + "\n".join(json_documents()),
        FOLDER / "answers.md": NOTICE + "\n".join(answers()),
        FOLDER / "components.md": NOTICE + "\n".join(components()),
        FOLDER / "plugins.md": NOTICE + "\n".join(plugin_interface()),
        SCHEMA_FILE: json.dumps(json_schema(), indent=1) + "\n",
    }


def commands() -> Iterator[str]:
    yield "# Commands\n"
    yield from exit_codes()
    yield "With `--json` a command prints [one document](json.md) on stdout; everything for people"
    yield "goes to stderr.\n"
    group: Any = typer.main.get_command(app)
    for name, command in _subcommands("mai", group):
        with command.make_context(name, [], parent=None, resilient_parsing=True) as own:
            text = command.get_help(own)
        yield f"## {name}\n"
        yield f"```text\n{text.strip()}\n```\n"


def _subcommands(path: str, group: Any) -> Iterator[tuple[str, Any]]:
    """Each command below `group` as it is typed, those of a group after it."""
    context = group.make_context(path, ["x"], resilient_parsing=True)
    for name in group.summaries:
        command = group.get_command(context, name)
        yield f"{path} {name}", command
        if isinstance(command, LazyGroup):
            yield from _subcommands(f"{path} {name}", command)


def exit_codes() -> Iterator[str]:
    yield "| exit code | |"
    yield "|---|---|"
    yield "| 0 | done, planned, or nothing to do |"
    yield f"| {MaiError.exit_code} | refused, in conflict, or a check is not ok |"
    yield f"| {errors.UsageError.exit_code} | not understood |"
    yield f"| {STOPPED} | stopped by Ctrl-C |"
    yield ""


def json_documents() -> Iterator[str]:
    yield "# JSON documents\n"
    yield f"What `--json` prints. Every document has `schema`, which is {SCHEMA}, and every field"
    yield "that its table lists. [json.schema.json](json.schema.json) says the same to programs.\n"
    yield "| status | exit code | |"
    yield "|---|---|---|"
    for status, (exit_code, meaning) in STATUSES.items():
        yield f"| `{status}` | {exit_code} | {meaning} |"
    yield ""
    schema = json_schema()
    first = [document.__name__ for document in get_args(documents.Document)]
    for name in (*first, *(name for name in schema["$defs"] if name not in first)):
        definition = schema["$defs"][name]
        yield f"## {name}\n"
        if told := definition.get("description"):
            yield f"{told}\n"
        yield "| field | type | |"
        yield "|---|---|---|"
        for field, stated in definition["properties"].items():
            meaning = stated.get("description", "").replace("\n", " ")
            yield f"| `{field}` | {_json_type(stated)} | {meaning} |"
        yield ""
    yield "## Codes of errors\n"
    yield "| code | exit code | |"
    yield "|---|---|---|"
    for name, meaning in re.findall(r"(\w+) {2,}(\S.*)", str(errors.__doc__)):
        error = vars(errors)[name]
        if error is not MaiError:
            yield f"| `{error.__new__(error).code}` | {error.exit_code} | {meaning} |"
    yield ""


def json_schema() -> dict[str, Any]:
    """JSON Schema of whatever `--json` prints, each document by its name in `$defs`."""
    config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )
    for value in vars(documents).values():
        if is_dataclass(value):
            setattr(value, "__pydantic_config__", config)  # noqa: B010 - no dataclass declares it
    made = TypeAdapter[Any](documents.Document).json_schema(mode="serialization")
    schema: dict[str, Any] = _lean(made)
    for document in get_args(documents.Document):
        definition = schema["$defs"][document.__name__]
        definition["properties"] = {"schema": {"const": SCHEMA}, **definition["properties"]}
        definition["required"] = ["schema", *definition["required"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _lean(schema: Any) -> Any:
    """`schema` without titles and defaults, which say nothing of what is printed."""
    if isinstance(schema, list):
        return [_lean(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _lean(one) for name, one in stated.items()}
        if key in ("properties", "$defs")
        else _lean(stated)
        for key, stated in schema.items()
        if key not in ("title", "default")
    }


def _json_type(stated: dict[str, Any]) -> str:
    if "const" in stated:
        return f"`{json.dumps(stated['const'])}`"
    if "enum" in stated:
        return ", ".join(f"`{json.dumps(value)}`" for value in stated["enum"])
    if "$ref" in stated:
        name = stated["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in stated:
        return " or ".join(_json_type(one) for one in stated["anyOf"])
    if stated["type"] == "array":
        return f"list of {_json_type(stated['items'])}"
    if isinstance(stated.get("additionalProperties"), dict):
        return f"object of {_json_type(stated['additionalProperties'])}"
    return str(stated["type"])


def answers() -> Iterator[str]:
    yield "# Answers of the core\n"
    yield "Given by `-o KEY=VALUE`, or in a file (`--answers`), and kept in `.mai/manifest.toml`.\n"
    yield from table(core_questions())
    yield "\n## Presets\n"
    yield "| preset | summary | instances |"
    yield "|---|---|---|"
    for preset in presets().values():
        held = ", ".join(
            f"{kind} {name}" for kind, named in preset.wanted.items() for name in named
        )
        yield f"| `{preset.name}` | {preset.summary} | {held} |"
    yield ""


def components() -> Iterator[str]:
    yield "# Components\n"
    yield "What `--with KIND:NAME` and an instance's `from` can name.\n"
    for component in sorted(trees.catalog().components.values(), key=lambda c: c.id):
        yield f"## {component.id}\n"
        yield f"{component.summary}"
        yield "A project may hold several, each with a name.\n" if component.multi else ""
        if component.questions:
            yield from table(component.questions)
            yield ""
        if component.env:
            yield "| variable | default | |"
            yield "|---|---|---|"
            for variable in component.env:
                default = f"`{variable.default}`" if variable.default else ""
                yield f"| `{variable.name}` | {default} | {variable.help} |"
            yield ""


def table(questions: tuple[Question, ...]) -> Iterator[str]:
    yield "| answer | type | default | |"
    yield "|---|---|---|---|"
    for question in questions:
        if not question.hidden:
            answer = f"`{question.name}` | {_type(question)} | {_default(question)}"
            yield f"| {answer} | {question.help} |"


def _type(question: Question) -> str:
    if question.choices:
        values = ", ".join(f"`{value}`" for value in question.choices.values())
        return f"some of {values}" if question.multiselect else f"one of {values}"
    return question.type


def _default(question: Question) -> str:
    return "" if question.default in ("", None) else f"`{question.default}`"


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
