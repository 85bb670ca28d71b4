"""I know what should change: values only."""
