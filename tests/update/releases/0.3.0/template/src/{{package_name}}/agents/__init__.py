"""I know what to say to the model: one folder per agent, found because it is here."""

from ..core.modules import AppModule

module = AppModule(name="agents", router=".routes:router", cli=".commands:app")
