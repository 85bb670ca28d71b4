"""From what was typed, what a file says and what a person answers, to a manifest."""

import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .. import names
from ..console import person
from ..errors import UsageError
from ..plan.answers import Ask, complete
from ..plan.instances import check_together, check_with_plugins, wanted_instance
from ..plan.presets import DEFAULT, Preset, preset, presets
from ..plan.wishes import Wishes, fold
from ..plugins.loader import Catalog
from ..project.manifest import Manifest


@dataclass(frozen=True)
class Given:
    """What the command line of `mai new` gives."""

    name: str | None
    preset: str | None
    added: tuple[str, ...]
    """`KIND:NAME` of each `--with`."""
    options: tuple[str, ...]
    """`KEY=VALUE` of each `-o`."""
    answers: str | None
    """A file, or `-` for stdin."""


def decide(
    catalog: Catalog, given: Given, check_target: Callable[[str], object], *, ask_for_rest: bool
) -> Manifest:
    """The manifest of a new project; asks for what was not given when there is somebody to ask.

    `check_target` is called with the project's slug before anything else is asked.
    Raises `UsageError` and its kin for what cannot be meant, `Conflict` for what excludes another.
    """
    asker = person.asker() if ask_for_rest else None
    stated = read_answers(given.answers) if given.answers else {}
    named = _name(given.name or stated.pop("name", None), asker)
    check_target(named["project_name"])
    start = _preset(given.preset or stated.pop("preset", None), asker)
    wishes = fold(start, stated, [*stated.pop("with", []), *given.added], given.options)
    project = complete(catalog.core.questions, {**named, **wishes.project}, {}, asker)
    if asker and not given.added:
        _ask_for_components(catalog, wishes)
    instances = [
        wanted_instance(catalog, kind, name, table, project, asker)
        for (kind, name), table in wishes.instances.items()
    ]
    check_together(instances, catalog)
    manifest = Manifest(project).with_instances(instances)
    check_with_plugins(None, manifest, catalog)
    return manifest


def read_answers(source: str) -> dict[str, Any]:
    """The mapping in a YAML, JSON or TOML file, or in stdin when `source` is `-`.

    Raises `UsageError` naming the file and what is wrong with it.
    """
    shown = "stdin" if source == "-" else repr(source)
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        stated = _parse(text, is_toml=source.endswith(".toml"))
    except OSError as error:
        raise UsageError(f"--answers {shown}: {error.strerror}") from error
    except (yaml.YAMLError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--answers {shown} is neither YAML nor TOML: {error}") from error
    if not isinstance(stated, dict) or not all(isinstance(key, str) for key in stated):
        raise UsageError(
            f"--answers {shown}: expected a mapping of answers", "such as database: postgresql"
        )
    return stated


def _parse(text: str, *, is_toml: bool) -> Any:
    if is_toml:
        return tomllib.loads(text)
    try:
        stated = yaml.safe_load(text)
    except yaml.YAMLError:
        return tomllib.loads(text)
    # TOML without tables is one plain string to YAML.
    return tomllib.loads(text) if isinstance(stated, str) else stated or {}


def _name(given: str | None, asker: Ask | None) -> dict[str, Any]:
    """The answers of the core that follow from the project's name."""
    if given is None:
        if asker is None:
            raise UsageError("the project needs a name", "mai new my-service")
        from ..console import ask

        given = ask.text("What is the project called?", "my-service", names.project)
    forms = names.project(str(given))
    return {
        "project_name": forms.slug,
        "project_title": forms.title,
        "package_name": forms.module,
    }


def _preset(given: str | None, asker: Ask | None) -> Preset:
    if given is None and asker is not None:
        from ..console import ask

        summaries = {name: found.summary for name, found in presets().items()}
        given = ask.choose("What should it start from?", summaries, DEFAULT)
    return preset(given or DEFAULT)


def _ask_for_components(catalog: Catalog, wishes: Wishes) -> None:
    """Adds the components that the person picks beyond the preset's."""
    present = {
        table.get("from", f"{kind}/{name.replace('-', '_')}")
        for (kind, name), table in wishes.instances.items()
    }
    others = {
        component.id: component.summary
        for component in catalog.components.values()
        if component.id not in present
    }
    if not others:
        return
    from ..console import ask

    for component_id in ask.choose_many("Anything else to add?", others):
        kind, _, name = component_id.partition("/")
        wishes.instances[kind, name.replace("_", "-")] = {"from": component_id}
