"""Mosquitto as a fleet's own broker: found, configured, started, and gone when we are gone."""

from broker.mosquitto.private import PrivateMosquitto, find_mosquitto

__all__ = ["PrivateMosquitto", "find_mosquitto"]
