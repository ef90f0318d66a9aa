"""The fleets that ship: TOML files to run by name, to copy and to change, and a sample of real recordings."""
