"""I know three-way."""
