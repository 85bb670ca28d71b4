"""I know what is on disk. I never write."""
