"""Learning: from nights to a model, on one device, in Flower's own shape."""
