"""Where the files of a project are linted, typed and tested: where everything is that they need.

uv makes an environment for each component and keeps it in the user's cache, so that the next run
takes no time and no network. `MAI_TESTING_PYTHON` names an interpreter that has everything already.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from ..apply.seed_lock import write_seed_lock
from ..plugins.loader import Catalog
from ..programs import uv
from ..programs.process import environment, run
from ..project.manifest import Manifest
from ..render.engine import render

VARIABLE = "MAI_TESTING_PYTHON"


@dataclass(frozen=True)
class Environment:
    """An interpreter, and a folder for what its tools remember."""

    python: Path
    cache: Path

    def run(self, project: Path, tool: str, *arguments: str) -> str:
        """What `tool` says in the project; raises `AssertionError` with all of it when it fails."""
        done = subprocess.run(
            [str(self.python), "-m", tool, *arguments],
            cwd=project,
            env={**environment(), "PYTHONPATH": str(project / "src")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{tool} says\n{done.stdout}{done.stderr}"
        return done.stdout

    def check_types(self, project: Path) -> str:
        """What mypy says, which keeps what it has learnt of the libraries."""
        cache = Path(os.environ.get("MYPY_CACHE_DIR") or self.cache / "mypy")
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / "lock"):  # two at once would both learn it
            return self.run(project, "mypy", "--cache-dir", str(cache)).strip()


def environment_of(name: str, manifest: Manifest, catalog: Catalog) -> Environment:
    """That of the project of `manifest`, and of any that needs less; it is kept under `name`."""
    caches = user_cache_path("mai") / "testing"
    if given := os.environ.get(VARIABLE):
        return Environment(Path(given), caches / sha256(given.encode()).hexdigest()[:12])
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = caches / f"{name.replace('/', '-')}-python{version}"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        _install(folder, manifest, catalog)
    scripts = folder / ".venv" / ("Scripts" if os.name == "nt" else "bin")
    return Environment(scripts / "python", folder)


def _install(folder: Path, manifest: Manifest, catalog: Catalog) -> None:
    """Brings the folder's `.venv` to what the project needs."""
    pyproject = render(manifest, catalog).tree["pyproject.toml"].content
    (folder / "pyproject.toml").write_bytes(pyproject)
    if not (folder / "uv.lock").is_file():
        write_seed_lock(folder, str(manifest.project["project_name"]))
    uv.lock(folder)
    run([uv.find(), "sync", "--no-install-project", "--python", sys.executable], folder)
