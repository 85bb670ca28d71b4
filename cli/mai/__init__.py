"""mai makes agent services and stays with them."""

__version__ = "0.4.0"
