"""I know Copier. I write in scratch directories only."""
