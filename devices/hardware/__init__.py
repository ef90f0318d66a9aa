"""Hardware: battery, radio, processor, charger. Plain arithmetic of figures, time and seed."""
