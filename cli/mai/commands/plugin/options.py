"""The options that the commands of this group share."""

from typing import Annotated

import typer

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would happen; do nothing.")]
