"""The first-party components: `plugins/` of the checkout, or their copy in the wheel."""

from pathlib import Path

_checkout = Path(__file__).parents[3] / "plugins"
if _checkout.is_dir():
    __path__ = [str(_checkout)]
