"""The generated pages of `docs/reference/`: `uv run python -m tests.docs.reference` writes them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from mai.commands.app import SUMMARIES, app
from mai.plan.presets import presets
from mai.plugins.core import core_questions
from mai.plugins.questions import Question

from tests import trees

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"
NOTICE = "<!-- Generated from the code: uv run python -m tests.docs.reference -->\n"


def pages() -> dict[Path, str]:
    """Each generated page with its text."""
    return {
        FOLDER / "commands.md": NOTICE + "\n".join(commands()),
        FOLDER / "answers.md": NOTICE + "\n".join(answers()),
        FOLDER / "components.md": NOTICE + "\n".join(components()),
    }


def commands() -> Iterator[str]:
    yield "# Commands\n"
    yield "Exit codes: 0 done, 1 refused, 2 not understood, 130 stopped by Ctrl-C.\n"
    yield "With `--json` a command prints one document with `schema` (1), `command` and `status`"
    yield "(`done`, `planned` or `error`) on stdout; everything for people goes to stderr.\n"
    group: Any = typer.main.get_command(app)
    context = group.make_context("mai", ["new", "x"], resilient_parsing=True)
    for name in SUMMARIES:
        command = group.get_command(context, name)
        with command.make_context(f"mai {name}", [], parent=None, resilient_parsing=True) as own:
            text = command.get_help(own)
        yield f"## mai {name}\n"
        yield f"```text\n{text.strip()}\n```\n"


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
