"""The Fleet API: many real Flower nodes in one process, at the door of an unmodified SuperLink."""

from devices.fleet_api.checked import TESTED_WITH
from devices.fleet_api.door import FleetDoor, Limits, client_for
from devices.fleet_api.node import FleetNode
from devices.fleet_api.rhythm import Rhythm

__all__ = ["TESTED_WITH", "FleetDoor", "FleetNode", "Limits", "Rhythm", "client_for"]
