"""Devices: bodies, hardware, habits and the agents that live with them; and what they learn."""
