"""The how-to pages on a project's life, command by command."""

import os
from pathlib import Path

import pytest

from tests.docs.console import ROOT, run, steps

PAGES = sorted(
    page
    for page in (ROOT / "docs" / "how-to").glob("*.md")
    if any(step.command.startswith("mai ") for step in steps(page))
)


def test_there_are_pages_to_run() -> None:
    assert len(PAGES) >= 6


@pytest.mark.skipif(os.name == "nt", reason="the pages' commands are for a POSIX shell")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_says_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    for step, printed in run(page, tmp_path):
        assert step.is_told_by(printed), f"$ {step.command}\n{printed}"
