"""I know what was ordered."""

from ..core.modules import AppModule

module = AppModule(name="acme_orders", router=".routes:router", settings=".settings:OrdersSettings")
