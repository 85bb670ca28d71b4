"""The reference of what a plugin is made of, from the code: hooks, values, files."""

import ast
import inspect
import re
from collections.abc import Collection, Iterator
from dataclasses import MISSING
from itertools import pairwise
from textwrap import dedent
from typing import Any

from mai import plugins
from mai.plugins import hookspecs, questions
from mai.plugins.component import FilePolicies
from mai.plugins.questions import Question
from pydantic import BaseModel
from pydantic_core import PydanticUndefined


def plugin_interface() -> Iterator[str]:
    yield "# What a plugin is made of\n"
    yield "[How plugins are hosted](../concepts/plugins.md) says what becomes of a bad one.\n"
    yield "## Hooks\n"
    yield f"{_paragraphs(hookspecs)}\n"
    for name, hook in vars(hookspecs).items():
        if name.startswith("mai_"):
            yield f"### {name}\n"
            yield f"```python\n{_signature(name, hook)}\n```\n"
            yield f"{_paragraphs(hook)}\n"
    yield "## Values\n"
    yield "What hooks are given and return, imported from `mai.plugins`. All are frozen.\n"
    for name in plugins.__all__:
        value = getattr(plugins, name)
        if isinstance(value, type) and value is not plugins.Component:
            yield f"### {name}\n"
            yield f"{_paragraphs(value)}\n"
            yield from _fields(value)
    yield "## component.toml\n"
    yield "A component is a folder with a `component.toml`, a `copier.yml` if it has questions, and"
    yield "a folder `template`. `Component.load_all` gives those in the folder of a package.\n"
    yield from _fields(plugins.Component, left_out={"root"})
    yield "### files\n"
    yield from _fields(FilePolicies)
    yield "## Questions\n"
    yield f"{_paragraphs(questions)}\n"
    yield from _fields(Question, left_out={"name", "where"})
    yield "Text in `default`, `when` and `validator` may be Jinja over the answers before, those of"
    yield "the core, and `name`, `module`, `class_name` and `title` of the instance. Templates have"
    yield "the same variables.\n"


def _signature(name: str, hook: Any) -> str:
    text = re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", str(inspect.signature(hook)))
    return f"@hookimpl\ndef {name}{text}"


def _paragraphs(documented: Any) -> str:
    return (inspect.getdoc(documented) or "").strip()


def _fields(value: Any, left_out: Collection[str] = ()) -> Iterator[str]:
    """The fields of a dataclass or of a model, with the text that stands below each."""
    known = value.model_fields if hasattr(value, "model_fields") else value.__dataclass_fields__
    stated = _stated(value)
    yield "| | type | default | |"
    yield "|---|---|---|---|"
    for name, field in known.items():
        if name not in left_out:
            annotation, told = stated[name]
            yield f"| `{name}` | `{annotation}` | {_default_of(field)} | {told} |"
    yield ""


def _stated(value: type) -> dict[str, tuple[str, str]]:
    """Field -> its type as the source states it, and the string that stands below it."""
    (stated,) = ast.parse(dedent(inspect.getsource(value))).body
    assert isinstance(stated, ast.ClassDef)
    return {
        ast.unparse(field.target): (_type(field.annotation), _told(below))
        for field, below in pairwise([*stated.body, ast.Pass()])
        if isinstance(field, ast.AnnAssign)
    }


def _type(annotation: ast.expr) -> str:
    match annotation:
        case ast.Subscript(ast.Name("Annotated"), ast.Tuple([plain, *_])):
            annotation = plain
    return ast.unparse(annotation).replace("|", "\\|")


def _told(below: ast.stmt) -> str:
    match below:
        case ast.Expr(ast.Constant(str(text))):
            return " ".join(text.split())
    return ""


def _default_of(field: Any) -> str:
    """Nothing for a field that must be given."""
    factory = getattr(field, "default_factory", None)
    default = factory() if callable(factory) else field.default
    if default is MISSING or default is PydanticUndefined:
        return ""
    if isinstance(default, BaseModel):
        return "empty"
    return f"`{default!r}`"
