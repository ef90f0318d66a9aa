"""A study: does federated learning hold up on a fleet? Arms, seeds, the same days for all, and a verdict."""
