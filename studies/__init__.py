"""The studies that ship: TOML files to run by name, to copy and to change."""
