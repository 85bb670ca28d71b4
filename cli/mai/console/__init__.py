"""I know the terminal."""
