"""Oracles: cases whose answers are known outside this code."""
