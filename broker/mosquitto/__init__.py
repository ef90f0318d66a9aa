"""Mosquitto as a fleet's own broker: found, configured, started, and gone when we are gone."""

from broker.mosquitto.find import find_mosquitto
from broker.mosquitto.private import Door, PrivateMosquitto

__all__ = ["Door", "PrivateMosquitto", "find_mosquitto"]
