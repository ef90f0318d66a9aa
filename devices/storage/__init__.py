"""Storage: what a device must not forget (its buffer, its outbox, its notes), in memory or in a file of its own."""
