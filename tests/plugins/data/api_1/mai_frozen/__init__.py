"""A plugin that is never changed."""
