"""The command `mai`: which commands there are, and what happens to an error.

A command's module is imported when the command is called, not for `--help` or `--version`.
"""

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any, ClassVar, NoReturn

import typer
from typer.core import TyperGroup

from .. import __version__
from ..errors import MaiError, UnknownName

STOPPED = 130
HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}

SUMMARIES = {
    "new": "Make a project.",
    "add": "Add a component to the project.",
    "remove": "Remove a component from the project.",
    "set": "Change answers of the project.",
    "update": "Bring the project to the installed versions of mai and its plugins.",
    "resolve": "Finish a command whose conflicts you have settled.",
    "undo": "Take back the last change that mai made.",
    "status": "Tell what a project is made of, and which of its files you edited.",
    "diff": "Show your edits in the files that mai made.",
    "check": "Check that a project's files belong together, for CI.",
    "doctor": "Find what is wrong, and tell how to mend it.",
    "why": "Tell where a file comes from.",
    "list": "List the components that can be added.",
    "mcp": "Serve a coding assistant over MCP.",
    "plugin": "List, install, remove, check and make plugins.",
}
"""Each command with its line in `mai --help`; its module has the same name."""


class LazyGroup(TyperGroup):
    """Commands by name, imported when they are asked for; `summaries` tells which there are."""

    package = __package__
    summaries: ClassVar[Mapping[str, str]] = SUMMARIES

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.summaries)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.summaries:
            if ctx.resilient_parsing:
                return None
            raise UnknownName("command", cmd_name, self.summaries)
        module = import_module(f".{cmd_name}", self.package)
        return typer.main.get_command(module.app)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))


app = typer.Typer(
    cls=LazyGroup,
    help="Makes agent services on FastAPI and Pydantic AI, and stays with them afterwards.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=HELP_OPTIONS,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mai {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


def run(argv: list[str]) -> NoReturn:
    """Runs one command and exits: 0 done, 1 refused, 2 not understood, 130 on Ctrl-C."""
    # An option whose value can be left out is not known to Typer.
    argv = ["--run=stay" if argument == "--run" else argument for argument in argv]
    try:
        app(argv, prog_name="mai")
    except SystemExit as ended:
        if ended.code == STOPPED:
            sys.stderr.write("stopped\n")
        raise
    except MaiError as error:
        _report(error, as_json="--json" in argv)
        sys.exit(error.exit_code)
    raise AssertionError("Typer exits by itself")


def _report(error: MaiError, *, as_json: bool) -> None:
    from ..console import report

    report.error(error, as_json=as_json)
