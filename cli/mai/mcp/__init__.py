"""I know MCP: the river's operations as tools of a coding assistant."""
