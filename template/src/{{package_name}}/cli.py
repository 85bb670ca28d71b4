"""The command line: `serve`, `status`, `init`, and the commands that the rooms bring.

Nothing heavy is imported before a command needs it, so that `--help` is quick.
Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
"""

import os
import re
import secrets
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import DESCRIPTION, NAME, TITLE
from .core.errors import AppError, StartupError
from .core.modules import discover

SHUTDOWN_TIMEOUT_S = 20  # open requests may take so long to end

if TYPE_CHECKING:
    from .core.db import Database
    from .core.settings import Settings


def main() -> None:
    """Run the command that `sys.argv` names."""
    try:
        build_cli()()
    except AppError as error:
        typer.echo(f"error: {error.message}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def build_cli() -> typer.Typer:
    """Every command of the project, those of its rooms included."""
    about = f"{TITLE}: {DESCRIPTION}"
    cli = typer.Typer(help=about, no_args_is_help=True, pretty_exceptions_enable=False)
    for command in (serve, status, init):
        cli.command()(command)
    for module in discover(__package__):
        if module.cli is not None:
            cli.add_typer(module.load(module.cli))
    return cli


def serve(
    host: Annotated[str | None, typer.Option(help="By default SERVER_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="By default SERVER_PORT.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer requests.")] = 1,
    reload: Annotated[bool, typer.Option(help="Start again when the code changes.")] = False,
) -> None:
    """Answer requests until Ctrl-C."""
    if reload and workers > 1:
        raise typer.BadParameter("--reload works with one worker only")
    import uvicorn

    from .core.commands import with_database
    from .core.logging import configure_logging
    from .core.migrate import prepare_schema
    from .core.settings import get_settings

    settings = get_settings()
    url = settings.local_url(host, port)
    host, port = host or settings.server_host, port or settings.server_port
    _check_workers(settings, workers)
    _check_port(host, port)
    configure_logging(settings)
    if Path(".env.example").exists() and not Path(".env").exists():
        typer.echo(f"no .env here, so the defaults hold: `{NAME} init` writes it", err=True)
    with_database(prepare_schema)
    typer.echo(f"{TITLE}: {url}/docs (Ctrl-C to stop)")
    uvicorn.run(
        f"{__package__}.main:get_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        reload=reload,
        reload_dirs=[str(Path(__file__).parent)] if reload else None,
        reload_includes=["*.md"] if reload else None,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # the application believes TRUSTED_PROXIES
        http="h11",  # limits the size of headers, which httptools does not
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
    )


def status(url: Annotated[str | None, typer.Option(help="Where the service is.")] = None) -> None:
    """Ask the running service how it is; exit code 1 when it is down or away."""
    import httpx2

    from .core.health import Health
    from .core.settings import get_settings

    base = url or get_settings().local_url()
    try:
        # The default address is this machine's, whatever proxy the environment names.
        answer = httpx2.get(f"{base.rstrip('/')}/health", timeout=10, trust_env=url is not None)
        health = Health.model_validate_json(answer.content)
    except httpx2.HTTPError as error:
        raise StartupError(f"nothing answers at {base} ({error}): run `{NAME} serve`") from error
    except ValueError as error:
        raise StartupError(f"what answers at {base} is not this service") from error
    typer.echo(f"{health.name} {health.version}: {health.status}")
    for name, check in health.checks.items():
        facts = " ".join(f"{key}={value}" for key, value in check.facts.items())
        typer.echo(f"  {name}: {check.status} {facts} {check.summary}".rstrip())
    if health.status == "down":
        raise typer.Exit(1)


def init() -> None:
    """Make this folder ready to serve: `.env` with fresh secrets, `data/`, the schema."""
    is_new = _write_env_file(Path(".env.example"), Path(".env"))
    Path("data").mkdir(exist_ok=True)

    from .core.commands import with_database

    try:
        made = with_database(_prepare)
    except StartupError as error:
        if not is_new:
            raise
        typer.echo(f"not ready yet: {error.message}; then run `{NAME} init` again")
        return
    typer.echo("the database is ready")
    for name, value in made.items():
        try:
            _set_variable(Path(".env"), name, value)
            place = "in .env"
        except OSError as error:  # in a container, say
            place = f"not in .env: {error.strerror}"
        typer.echo(f"{name}={value} ({place}; shown this once)")


async def _prepare(database: "Database") -> dict[str, str]:
    """Migrate, and let every room make what it needs; return what they have for `.env`."""
    from .core.migrate import upgrade

    await upgrade(database)
    made: dict[str, str] = {}
    for module in discover(__package__):
        if module.init is not None:
            made |= await module.load(module.init)(database)
    return made


def _set_variable(path: Path, name: str, value: str) -> None:
    """Set a variable in an `.env` file, in place of a line for it, commented out or not."""
    line = f"{name}={value}"
    text = path.read_text("utf-8") if path.exists() else ""
    text, found = re.subn(rf"^(# *)?{name}=.*$", line, text, count=1, flags=re.MULTILINE)
    if not found:
        text += f"{line}\n" if text.endswith("\n") or not text else f"\n{line}\n"
    _write_secret(path, text)


def _write_env_file(example: Path, target: Path) -> bool:
    """Copy `example` with fresh secrets for `<generate>`, for the owner's eyes only."""
    if not example.exists():
        return False
    text = example.read_text("utf-8")
    if target.exists():
        _add_secrets(target, re.findall(r"^(\w+)=<generate>$", text, re.MULTILINE))
        return False
    while "=<generate>\n" in text:
        text = text.replace("=<generate>\n", f"={secrets.token_urlsafe(32)}\n", 1)
    _write_secret(target, text)
    typer.echo(f"wrote {target}")
    return True


def _add_secrets(path: Path, names: list[str]) -> None:
    """Give an `.env` file those of these secrets that it lacks: a component has come since."""
    for name in names:
        if not re.search(rf"^(export +)?{name} *=.", path.read_text("utf-8"), re.MULTILINE):
            _set_variable(path, name, secrets.token_urlsafe(32))
            typer.echo(f"added {name} to {path}")


def _write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read, all of it or nothing."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def _check_workers(settings: "Settings", workers: int) -> None:
    sqlite = settings.database_url.get_secret_value().startswith("sqlite")
    if workers > 1 and sqlite and settings.redis_url is None:
        raise StartupError(
            f"{workers} workers on SQLite cannot tell each other anything: set REDIS_URL, or set "
            f"DATABASE_URL to PostgreSQL, or leave out --workers"
        )
    if workers > 1 and settings.log_file is not None:
        raise StartupError(
            f"{workers} workers cannot rotate one file: unset LOG_FILE, or leave out --workers"
        )


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise StartupError(
            f"cannot listen on {host}:{port} ({error.strerror}): set SERVER_PORT={port + 1} in "
            f".env, where `{NAME} chat` looks, too"
        ) from error
