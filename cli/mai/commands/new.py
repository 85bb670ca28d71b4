"""`mai new`: a project from nothing, by the one river."""

from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .app import HELP_OPTIONS
from .options import NoGit

if TYPE_CHECKING:
    from ..console.documents import Made
    from ..plan.outcomes import Outcomes
    from ..plugins.loader import Catalog
    from ..project.manifest import Manifest

app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=HELP_OPTIONS)

FIRST_MESSAGE = "Hello! What time is it, and what can you do?"
FIRST_PORT = 8000


class Run(StrEnum):
    """How long the first run lasts."""

    stay = "stay"
    once = "once"


@app.command()
def new(
    name: Annotated[str | None, typer.Argument(help="What it is called, in any spelling.")] = None,
    preset: Annotated[
        str | None, typer.Option(help="What to start from: minimal, standard or full.")
    ] = None,
    with_: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="KIND:NAME", help="One more component: `tool:clock`."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-o",
            metavar="KEY=VALUE",
            help="One answer: `database=postgresql`, `agent.starter.model=demo`.",
        ),
    ] = None,
    answers: Annotated[
        str | None, typer.Option(metavar="FILE", help="Answers as YAML or TOML; `-` reads stdin.")
    ] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing.")] = False,
    into: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder to make; by default ./NAME.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show every file; write nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    no_git: NoGit = False,
    no_install: Annotated[
        bool, typer.Option("--no-install", help="Install nothing; no network is needed.")
    ] = False,
    run: Annotated[
        Run | None,
        typer.Option(
            metavar="[stay|once]",
            help="Install, serve, print a first answer; stay until Ctrl-C, or end after it.",
        ),
    ] = None,
) -> None:
    """Make a project."""
    from ..apply.create import check_target, create
    from ..console import report
    from ..errors import UsageError
    from ..plan.outcomes import for_plugins
    from ..plugins.loader import load_catalog
    from ..plugins.values import Project
    from ..programs import uv
    from .intent import Given, decide

    if run and no_install:
        raise UsageError("--run needs what --no-install leaves out", "choose one of them")
    if run and as_json:
        raise UsageError(
            "--run streams an answer, --json prints one document", "choose one of them"
        )
    catalog = load_catalog()
    given = Given(name, preset, tuple(with_ or ()), tuple(option or ()), answers)

    def target_of(slug: str) -> Path:
        """Where a project of this name would lie; raises `TargetRefused` when it cannot."""
        target = (into or Path(slug)).absolute()
        check_target(target)
        return target

    with report.plugin_problems(catalog):
        manifest = decide(catalog, given, target_of, ask_for_rest=not defaults)
        target = target_of(str(manifest.project["project_name"]))
        if not (no_install or dry_run):
            uv.find()
        with report.progress("Rendering", quiet=as_json):
            outcomes = _plan(manifest, catalog)
        plan = for_plugins(f"mai new {target.name}", None, manifest, outcomes)
        catalog.plan_created(plan)
        if dry_run:
            _show(manifest, target, outcomes, as_json=as_json)
            return
        notes: list[str] = []
        with report.progress("Writing" if no_install else "Writing and locking", quiet=as_json):
            create(
                target,
                outcomes,
                lambda stage: notes.extend(_finish(stage, target, manifest, no_git, no_install)),
            )
        if not no_install:
            _install(target, as_json=as_json)
        catalog.applied(plan, Project(manifest, target))
    _told(manifest, target, outcomes, notes, as_json=as_json)
    if run:
        _first_run(manifest, target, stay=run is Run.stay)


def _install(target: Path, *, as_json: bool) -> None:
    """Installs the dependencies; from here on the project stays, whatever happens."""
    from ..console import report
    from ..programs import uv

    try:
        with report.progress("Installing", quiet=as_json):
            uv.sync(target)
    except KeyboardInterrupt:
        report.line(f"\n{shown(target)} is made, but not installed: run `uv sync` in it")
        raise


def _plan(manifest: "Manifest", catalog: "Catalog") -> "Outcomes":
    """What becomes of every file of the new project, mai's own included."""
    from ..merge.three_way import three_way
    from ..project.pristine import state_files
    from ..render.engine import render

    pristine = render(manifest, catalog)
    return three_way({}, {}, {**pristine.tree, **state_files(manifest, pristine)})


def _finish(
    stage: Path, target: Path, manifest: "Manifest", no_git: bool, no_install: bool
) -> list[str]:
    """Adds lock and repository to the staged project; returns what was left out, and why."""
    from ..apply.seed_lock import write_seed_lock
    from ..programs import git, uv

    notes = []
    write_seed_lock(stage, str(manifest.project["project_name"]))
    if no_install:
        notes.append("nothing was installed: run `uv sync` in it")
    else:
        uv.lock(stage)
    if not no_git and (
        problem := git.start(stage, f"Start {manifest.project['project_name']}", target)
    ):
        notes.append(problem)
    return notes


def _show(manifest: "Manifest", target: Path, outcomes: "Outcomes", *, as_json: bool) -> None:
    from ..console import report

    if as_json:
        report.document(_document("planned", manifest, target, outcomes))
    else:
        report.outcomes(outcomes)


def _told(
    manifest: "Manifest", target: Path, outcomes: "Outcomes", notes: list[str], *, as_json: bool
) -> None:
    """What was made, and the three commands that come next."""
    from ..console import report
    from ..programs import uv

    slug = manifest.project["project_name"]
    run = f"{uv.shown()} run {slug}"
    next_commands = [f"cd {shown(target)}", f"{run} init", f"{run} serve"]
    if as_json:
        report.document(_document("done", manifest, target, outcomes, notes, next_commands))
        return
    files = sum(not outcome.path.startswith(".mai/") for outcome in outcomes)
    report.line(f"Made {slug} in {shown(target)}: {files} files")
    for instance in manifest.instances:
        report.line(f"  {instance.kind} {instance.name} (from {instance.component})")
    for note in notes:
        report.line(f"note: {note}")
    report.line("Next:")
    for command in next_commands:
        report.line(f"  {command}")


def _document(
    status: Literal["planned", "done"],
    manifest: "Manifest",
    target: Path,
    outcomes: "Outcomes",
    notes: Sequence[str] = (),
    next_commands: Sequence[str] = (),
) -> "Made":
    from ..console.documents import Made, file_outcomes

    return Made(
        status=status,
        project={"path": str(target), **manifest.project},
        instances=manifest.instances,
        outcomes=file_outcomes(outcomes, planned=status == "planned"),
        notes=notes,
        next=next_commands,
    )


def _first_run(manifest: "Manifest", target: Path, *, stay: bool) -> None:
    """Serves the new project, prints a first streamed answer and the URL."""
    from ..console import report
    from ..programs.service import Service, free_port

    service = Service(target, str(manifest.project["package_name"]))
    with report.progress("Preparing the database"):
        service.init()
    port = free_port(FIRST_PORT)
    if port != FIRST_PORT:
        service.set_variable("SERVER_PORT", str(port))
        report.line(f"note: somebody listens on {FIRST_PORT}, so .env has SERVER_PORT={port}")
    if service.variable("API_TOKEN"):
        report.line("note: callers need a key; the first one is API_TOKEN in .env")
    with service.served(port) as served:
        report.line(f"\nServing {served.url} (API: {served.url}/docs)\n\n> {FIRST_MESSAGE}")
        service.chat(FIRST_MESSAGE, served.url)
        if stay:
            # Whoever reads the line may press the keys before it has returned.
            with suppress(KeyboardInterrupt):
                report.line(f"\nServing {served.url} until Ctrl-C")
                served.wait()


def shown(target: Path) -> str:
    """`target` as one would type it from here."""
    try:
        return str(target.relative_to(Path.cwd()))
    except ValueError:
        return str(target)
