"""The tested lock that a new project starts from."""

from pathlib import Path

_SEED = Path(__file__).parent / "seed.lock"
_SEED_NAME = 'name = "seed"\n'


def write_seed_lock(project: Path, name: str) -> None:
    """Writes `uv.lock` with the versions that mai's own tests ran with, for the project `name`.

    It covers every first-party component; `uv lock` keeps its versions and drops what the
    project does not need.
    """
    seed = _SEED.read_text(encoding="utf-8")
    lock = seed.replace(_SEED_NAME, f'name = "{name}"\n', 1)
    (project / "uv.lock").write_text(lock, encoding="utf-8", newline="\n")
