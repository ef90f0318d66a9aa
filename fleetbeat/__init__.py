"""The front door: commands, clock, world, run folder and report."""
