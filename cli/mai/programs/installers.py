"""uv, pipx and pip: they install plugins, and fetch what there is to read of one before."""

import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs

from ..errors import Refused
from ..plugins import offer
from ..plugins.installer import Command, Home, Wanted
from ..plugins.offer import Offer
from . import process, uv

_NO_WHEEL = "a plugin without a wheel can be installed from its folder, or by git+https://…"


def run(command: Command, hint: str = "") -> str:
    """Runs it here; raises `CommandFailed` with its last lines, `Refused` where there is none."""
    program, *arguments = command.argv
    found = {"uv": _find_uv, "pipx": _find_pipx}.get(program, lambda: program)()
    env = {**process.environment(), **command.env}
    return process.run([found, *arguments], Path.cwd(), hint=hint, env=env)


def _find_uv() -> str:
    try:
        return uv.find()
    except Refused as problem:
        told = "uv was not found; plugins of this mai are installed with it"
        raise Refused(told, "install uv (https://docs.astral.sh/uv/)") from problem


def _find_pipx() -> str:
    if found := shutil.which("pipx"):
        return found
    raise Refused("pipx was not found, and this mai lives in its environment", "install pipx")


@contextmanager
def read(home: Home, plugin: Wanted) -> Iterator[Offer]:
    """What `plugin` would bring. No code of it runs: its wheel is unpacked, its source is read.

    Its components' files last as long as the block. Raises `Refused` when it is no plugin.
    """
    with TemporaryDirectory(prefix="mai-") as scratch:
        folder = Path(scratch)
        path = plugin.path
        if path and path.is_dir():
            yield offer.of_source(path)
        elif path and path.name.endswith(".tar.gz"):
            yield offer.of_source(_extracted(path, folder))
        elif "git+" in plugin.source:
            yield offer.of_source(_cloned(plugin.source, folder))
        else:
            run(home.unpack(plugin.source, folder), _NO_WHEEL)
            yield offer.unpacked(folder)


def _extracted(sdist: Path, folder: Path) -> Path:
    """The one folder in an sdist."""
    try:
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        (root,) = folder.iterdir()
    except (OSError, tarfile.TarError, ValueError) as error:
        raise Refused(f"{sdist} is no sdist: {error}", "name a wheel, or a folder") from error
    return root


def _cloned(source: str, folder: Path) -> Path:
    """The source at `git+URL@REVISION#subdirectory=FOLDER`, checked out."""
    url, _, asked = source.partition("git+")[2].partition("#")
    scheme, _, place = url.partition("://")
    # What stands before the path may be `user@host`.
    head, slash, path = place.partition("/")
    path, _, revision = path.partition("@")
    url = f"{scheme}://{head}{slash}{path}"
    process.run(["git", "clone", "--quiet", "--", url, str(folder)], folder)
    if revision:
        process.run(["git", "checkout", "--quiet", revision], folder)
    return folder / parse_qs(asked).get("subdirectory", [""])[0]
