"""The configuration: environment variables or a TOML file, and the section that each room reads of it."""
