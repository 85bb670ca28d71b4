"""I merge files by what they say: tables and requirements of TOML, keys of an environment."""
