"""From what the user gave to complete, checked answers."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import yaml
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..errors import InvalidAnswer, RenderFailed, UnknownName
from ..plugins.questions import Question

Ask = Callable[[Question, Any, Mapping[str, Any]], Any]
"""Asks a person: the question, its default, the answers so far -> a checked answer."""

FAULTS = (
    TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError,
    ValueError,
)  # fmt: skip
"""What Jinja raises for a broken template, by itself or by what stands between its braces."""

_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
}


def complete(
    questions: Iterable[Question],
    given: Mapping[str, Any],
    context: Mapping[str, Any],
    ask: Ask | None = None,
) -> dict[str, Any]:
    """Every answer that is the user's, by name, in the order of the questions.

    A hidden question's default is computed for the questions after it, and is no answer.
    What is not in `given` is asked when there is `ask`, and takes its default otherwise.
    Raises `UnknownName` for an answer that nobody asks for, `InvalidAnswer` for one that its
    question does not take.
    """
    questions = tuple(questions)
    _refuse_unknown(questions, given)
    answers: dict[str, Any] = {}
    computed: dict[str, Any] = {}
    for question in questions:
        known = {**context, **computed, **answers}
        if question.hidden or not applies(question, known):
            computed[question.name] = default_of(question, known)
        elif question.name in given:
            answers[question.name] = check(question, given[question.name], known)
        elif ask and question.ask:
            answers[question.name] = ask(question, default_of(question, known), known)
        else:
            answers[question.name] = check(question, default_of(question, known), known)
    return answers


def with_computed(questions: Iterable[Question], known: Mapping[str, Any]) -> dict[str, Any]:
    """`known` answers, with the defaults of the questions that have none: the hidden ones, and
    those that do not apply."""
    everything = dict(known)
    for question in questions:
        if question.name not in everything:
            everything[question.name] = default_of(question, everything)
    return everything


def applies(question: Question, known: Mapping[str, Any]) -> bool:
    """Whether `when` holds for the answers so far."""
    when = question.when
    rendered = _render(question, when, known) if isinstance(when, str) else when
    return rendered if isinstance(rendered, bool) else rendered.strip().lower() not in _FALSE


_FALSE = {"", "false", "no", "off", "0", "none"}


def default_of(question: Question, known: Mapping[str, Any]) -> Any:
    """The default, rendered and of the question's type; `""` of a text question without one."""
    default = question.default
    if isinstance(default, str):
        default = parse(question, _render(question, default, known))
    if default is None:
        return [] if question.multiselect else "" if question.type == "str" else None
    return default


def check(question: Question, answer: Any, known: Mapping[str, Any]) -> Any:
    """`answer` as its question takes it; raises `InvalidAnswer` otherwise."""
    if isinstance(answer, str):
        answer = parse(question, answer)
    _check_choices(question, answer)
    _check_type(question, answer)
    if question.validator:
        problem = _render(question, question.validator, {**known, question.name: answer}).strip()
        if problem:
            raise InvalidAnswer(question.name, answer, problem)
    return answer


def parse(question: Question, text: str) -> Any:
    """What a person typed, as a value of the question's type: `-o`, a prompt, a default."""
    if question.multiselect and not text.strip().startswith("["):
        return [item.strip() for item in text.split(",") if item.strip()]
    if question.type == "str" and not question.multiselect:
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidAnswer(question.name, text, f"expected {question.type}") from error


def _check_choices(question: Question, answer: Any) -> None:
    if not question.choices:
        return
    values = list(question.choices.values())
    chosen = answer if question.multiselect and isinstance(answer, list) else [answer]
    for item in chosen:
        if item not in values:
            raise UnknownName(f"{question.name} choice", str(item), [str(v) for v in values])


def _check_type(question: Question, answer: Any) -> None:
    if question.multiselect:
        if not isinstance(answer, list):
            raise InvalidAnswer(question.name, answer, "expected a list")
        return
    expected = _TYPES.get(question.type)
    if expected is None:
        return
    is_disguised_bool = isinstance(answer, bool) and question.type != "bool"
    if not isinstance(answer, expected) or is_disguised_bool:
        raise InvalidAnswer(question.name, answer, f"expected {question.type}")


def _refuse_unknown(questions: tuple[Question, ...], given: Mapping[str, Any]) -> None:
    known = [question.name for question in questions if not question.hidden]
    for name in given:
        if name not in known:
            raise UnknownName("answer", name, known)


def _render(question: Question, source: str, context: Mapping[str, Any]) -> str:
    """Raises `RenderFailed` when `source` cannot be rendered."""
    if "{" not in source:
        return source
    try:
        return _environment().from_string(source).render(context)
    except FAULTS as error:
        told = f"{source}: {error}"
        raise RenderFailed(f"question {question.name!r}", told, question.where) from error


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    """Jinja as Copier sets it up, its filters included."""
    return ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"]
    )
