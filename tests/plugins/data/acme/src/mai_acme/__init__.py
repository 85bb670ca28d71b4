"""What the ACME company adds to mai."""
