"""Projects that ask who is calling, served and driven as their how-to pages say."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import trees
from tests.docs.reference import ROOT
from tests.docs.test_docs import shell_blocks
from tests.generated.served import command, serving
from tests.generated.test_served import FAIL_ON_ERRORS

LOGINS_PAGE = ROOT / "docs" / "how-to" / "log-users-in.md"
COMMANDS = f'uv() {{ shift 2; {sys.executable} -m shop "$@"; }}'


@pytest.mark.skipif(shutil.which("jq") is None, reason="the page's commands need jq")
def test_the_page_about_logins_works_as_pasted(tmp_path: Path) -> None:
    """All but what comes before the service runs, and what is no command."""
    project = trees.write(trees.manifest("shop", "minimal", ["auth:jwt"]), tmp_path / "shop")
    said = command(project, "init")
    assert "JWT_SECRET" not in said
    _, *blocks, _ = shell_blocks(LOGINS_PAGE)
    with serving(project, JWT__REGISTRATION="invitation") as served:
        url = served.client.base_url
        pasted = "\n".join([FAIL_ON_ERRORS, COMMANDS, "set -eux -o pipefail", *blocks])
        own = {
            "PYTHONPATH": str(project / "src"),
            "SERVER_PORT": str(url.port),
            "JWT__REGISTRATION": "invitation",
        }
        done = subprocess.run(
            ["bash", "-c", pasted.replace("http://127.0.0.1:8000", str(url).rstrip("/"))],
            cwd=project,
            env=os.environ | own,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    for told in ('"is_superuser":true', "You said 'Hello!'", '"username":"bert"'):
        assert told in done.stdout
