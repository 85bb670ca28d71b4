"""When the sun rises."""
