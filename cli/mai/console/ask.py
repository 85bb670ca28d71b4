"""Questions to a person, in the terminal."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import questionary

from ..errors import MaiError
from ..plan import answers
from ..plugins.questions import Question

_PICK = "(space picks, enter goes on)"


def text(prompt: str, default: str, check: Callable[[str], object]) -> str:
    """A line of text for which `check` raises no `MaiError`; Enter alone gives `default`."""
    validate = _validator(lambda typed: check(typed or default))
    asked = questionary.text(prompt, instruction=_hint(default), validate=validate)
    return str(asked.unsafe_ask() or default)


def confirm(prompt: str) -> bool:
    """Yes or no; no is the default."""
    return bool(questionary.confirm(prompt, default=False).unsafe_ask())


def choose(prompt: str, choices: Mapping[str, str], default: str) -> str:
    """One of `choices`: value -> what it is."""
    options = [questionary.Choice(f"{value}: {what}", value) for value, what in choices.items()]
    return str(questionary.select(prompt, options, default=default).unsafe_ask())


def choose_many(prompt: str, choices: Mapping[str, str], chosen: Iterable[str] = ()) -> list[str]:
    """Any of `choices`: value -> what it is."""
    marked = set(chosen)
    options = [
        questionary.Choice(f"{value}: {what}", value, checked=value in marked)
        for value, what in choices.items()
    ]
    return list(questionary.checkbox(prompt, options, instruction=_PICK).unsafe_ask())


def question(asked: Question, default: Any, known: Mapping[str, Any]) -> Any:
    """The checked answer of a person to one question."""
    prompt = f"{known['title']}: {asked.help}" if "module" in known else asked.help or asked.name
    if asked.choices and asked.multiselect:
        labels = [
            _choice(label, value, checked=value in default)
            for label, value in asked.choices.items()
        ]
        return questionary.checkbox(prompt, labels, instruction=_PICK).unsafe_ask()
    if asked.choices:
        labels = [_choice(label, value) for label, value in asked.choices.items()]
        return questionary.select(prompt, labels, default=default).unsafe_ask()
    if asked.type == "bool":
        return questionary.confirm(prompt, default=bool(default)).unsafe_ask()
    return answers.check(asked, _typed(asked, prompt, default, known), known)


def _typed(asked: Question, prompt: str, default: Any, known: Mapping[str, Any]) -> Any:
    """What was typed, checked; Enter alone gives the default, which is shown and not typed over."""
    kind = questionary.password if asked.secret else questionary.text
    hint = "" if asked.secret or default in ("", None) else _hint(str(default))
    validate = _validator(lambda typed: answers.check(asked, typed or default, known))
    return kind(prompt, instruction=hint, validate=validate).unsafe_ask() or default


def _hint(default: str) -> str:
    return f"({default}) "


def _choice(label: str, value: Any, *, checked: bool = False) -> questionary.Choice:
    return questionary.Choice(label, value, checked=checked)


def _validator(check: Callable[[str], object]) -> Callable[[str], bool | str]:
    def validate(typed: str) -> bool | str:
        try:
            check(typed)
        except MaiError as problem:
            return f"{problem.message}; {problem.hint}" if problem.hint else problem.message
        return True

    return validate
