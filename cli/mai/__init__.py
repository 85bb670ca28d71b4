"""mai makes agent services and stays with them."""

__version__ = "0.2.0"
