"""I start other programs: uv, git, and the project's own command."""
