"""What ten plugins cost, as ratios of CPU time: `uv run python -m tests.bench.plugins`.

`mai --help`, `mai add --help` and the completion of a component's name, with ten plugins installed
against none: at most 1.2.
"""

import subprocess
import tempfile
from functools import partial
from pathlib import Path

from tests.bench.change import tell
from tests.bench.cpu import medians, script
from tests.plugins.conftest import write_plugin

COUNT = 10
COMPLETION = ["_MAI_COMPLETE=complete_bash", "COMP_WORDS=mai add tool ", "COMP_CWORD=3"]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        none, ten = Path(name, "none"), Path(name, "ten")
        none.mkdir()
        for number in range(COUNT):
            write_plugin(ten, f"plugin{number}")
        for site in (none, ten):  # completion finds what it was left
            subprocess.run([*beside(site), script("mai"), "list"], check=True, capture_output=True)
        for label, typed in (
            ("mai --help", [script("mai"), "--help"]),
            ("mai add --help", [script("mai"), "add", "--help"]),
            ("completion", [*COMPLETION, script("mai")]),
        ):
            without, with_ten = medians(
                partial(list, [*beside(none), *typed]), partial(list, [*beside(ten), *typed])
            )
            tell(f"{label}, {COUNT} plugins / none", with_ten / without, 1.2)


def beside(site: Path) -> list[str]:
    """The environment in which what lies in `site` is installed, with a cache of its own."""
    return ["env", f"PYTHONPATH={site}", f"XDG_CACHE_HOME={site}-cache"]


if __name__ == "__main__":
    main()
