"""A legacy app in a package of its own."""
