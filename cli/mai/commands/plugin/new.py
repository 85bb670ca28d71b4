"""`mai plugin new`: a package with one component, its tests and its release, from nothing."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..app import HELP_OPTIONS
from ..options import AsJson, DryRun, NoGit

if TYPE_CHECKING:
    from ...plan.outcomes import Outcomes
    from ...plugins.component import Kind
    from ...plugins.loader import Catalog

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)

PREFIX = "mai-"
MAX_LENGTH = 30
"""Of a name: lines that hold it and the longest name of a project stay within a hundred columns."""

KIND_SUMMARIES = {
    "agent": "it says something to a language model",
    "tool": "it does one thing for agents",
    "memory": "it keeps what agents remember",
    "auth": "it knows who is calling",
    "feature": "it adds routes, commands, settings or tables",
}


@dataclass(frozen=True)
class _Named:
    """What the scaffold fills in."""

    kind: str
    article: str
    name: str
    """`order-desk`"""
    module: str
    class_name: str
    title: str
    env_prefix: str
    distribution: str
    package: str
    mai_version: str


@app.command()
def new(
    name: Annotated[
        str, typer.Argument(help="What its component is called; the plugin is mai-NAME.")
    ],
    kind: Annotated[str | None, typer.Option(help="agent, tool, memory, auth or feature.")] = None,
    into: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder to make; by default ./mai-NAME.")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    no_git: NoGit = False,
) -> None:
    """Make a plugin of your own: a package with one component, which passes its own tests."""
    from ...apply.create import check_target, create
    from ...console import report
    from ...merge.three_way import three_way
    from ...plugins.loader import load_catalog
    from ...programs import git
    from ...render.engine import render_plugin

    chosen = _kind(kind, may_ask=not as_json)
    named = _named(name, chosen, load_catalog())
    target = (into or Path(named.distribution)).absolute()
    check_target(target)
    outcomes = three_way({}, {}, render_plugin(chosen, asdict(named)))
    notes: list[str] = []

    def commit(stage: Path) -> None:
        if not no_git and (problem := git.start(stage, f"Start {named.distribution}", target)):
            notes.append(problem)

    if not dry_run:
        create(target, outcomes, commit)
    if as_json:
        document = _document("planned" if dry_run else "done", named, target, outcomes, notes)
        report.document(document)
    elif dry_run:
        report.outcomes(outcomes)
    else:
        _tell(named, target, outcomes, notes)


def _kind(given: str | None, *, may_ask: bool) -> "Kind":
    from ...console import person
    from ...errors import UnknownName, UsageError
    from ...plugins.component import KINDS

    if given is None and may_ask and person.is_there():
        from ...console import ask

        given = ask.choose("What does it offer?", KIND_SUMMARIES, "tool")
    if given is None:
        raise UsageError("which kind of component?", f"--kind {'|'.join(KINDS)}")
    for kind in KINDS:
        if kind == given:
            return kind
    raise UnknownName("kind", given, KINDS)


def _named(text: str, kind: "Kind", catalog: "Catalog") -> _Named:
    """Every name in the plugin; raises `InvalidName` for one that a project could not take."""
    from ... import __version__, names
    from ...errors import InvalidName

    forms = names.parse(text.strip().removeprefix(PREFIX))
    own = f"{kind}/{forms.module}"
    if len(forms.module) > MAX_LENGTH:
        raise InvalidName(
            f"{text!r} is longer than {MAX_LENGTH} characters", "choose a shorter one"
        )
    if own in catalog.components:
        by = catalog.providers[own].distribution
        raise InvalidName(f"{own} is there already, from {by}", "choose another name")
    if forms.module in _taken(kind, catalog):
        raise InvalidName(
            f"no {kind} can be called {text!r}: every project has something of that name",
            f"try 'my-{forms.slug}'",
        )
    return _Named(
        kind=kind,
        article="an" if kind[0] in "aeiou" else "a",
        name=forms.slug,
        module=forms.module,
        class_name=forms.class_name,
        title=forms.title,
        env_prefix=forms.env_prefix,
        distribution=f"{PREFIX}{forms.slug}",
        package=f"mai_{forms.module}",
        mai_version=__version__,
    )


def _taken(kind: "Kind", catalog: "Catalog") -> set[str]:
    """The modules of the core where a component of this kind puts its own."""
    from ...plan.instances import RESERVED

    rooms = {path.stem for path in catalog.core.template.glob("src/*/*")}
    modes = {path.stem for path in catalog.core.template.glob("src/*/auth/*")}
    taken: dict[str, set[str]] = {
        "agent": {*RESERVED["agent"]},
        "tool": {*RESERVED["tool"]},
        "memory": {*RESERVED["tool"], *rooms},
        "auth": modes,
        "feature": rooms,
    }
    return taken[kind]


def _tell(named: _Named, target: Path, outcomes: "Outcomes", notes: list[str]) -> None:
    from ...console import report
    from ..new import shown

    report.line(f"Made {named.distribution} in {shown(target)}: {len(outcomes)} files")
    report.line(f"  {named.kind} {named.name}, in src/{named.package}/{named.module}")
    for note in notes:
        report.line(f"note: {note}")
    report.line("Next:")
    for command in _next(target):
        report.line(f"  {command}")


def _next(target: Path) -> list[str]:
    from ...programs import uv
    from ..new import shown

    return [f"cd {shown(target)}", f"{uv.shown()} run pytest -rP"]


def _document(
    status: Literal["planned", "done"],
    named: _Named,
    target: Path,
    outcomes: "Outcomes",
    notes: list[str],
) -> Any:
    from ...console.documents import PluginMade, file_outcomes

    return PluginMade(
        status=status,
        path=str(target),
        distribution=named.distribution,
        component=f"{named.kind}/{named.module}",
        outcomes=file_outcomes(outcomes, planned=status == "planned"),
        notes=notes,
        next=[] if status == "planned" else _next(target),
    )
