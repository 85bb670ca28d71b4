"""I know by which other paths agents are asked. Delete this folder, and only they are gone."""

from ..core.modules import AppModule

module = AppModule(name="aliases", router=".routes:router")
