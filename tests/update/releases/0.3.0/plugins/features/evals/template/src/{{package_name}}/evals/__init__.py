"""I know how good an agent's answers are: it is asked what its dataset says, and judged."""

from ..core.modules import AppModule

module = AppModule(name="evals", cli=".commands:app")
