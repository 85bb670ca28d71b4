"""I know argv."""
