"""Lifelike: what our population shows, measured the way it was measured on people and their devices."""
