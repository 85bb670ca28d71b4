"""The tested lock that a new project starts from."""

import shutil
from pathlib import Path

_SEED = Path(__file__).parent / "seed.lock"


def write_seed_lock(project: Path) -> None:
    """Writes `uv.lock` with the versions that mai's own tests ran with.

    It covers every first-party component; `uv lock` keeps its versions and drops what the
    project does not need.
    """
    shutil.copyfile(_SEED, project / "uv.lock")
