"""What Fleetbeat costs, measured side by side; ``results.md`` has the figures."""
