"""The two Flower Apps that a run is about: Fleetbeat's own, or a pair of somebody's own (`fleetbeat run --app DIR`)."""
