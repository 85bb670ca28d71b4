"""I write in your project; nobody else does."""
