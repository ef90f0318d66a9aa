"""The shared language: topics, messages, events, errors, and the links that carry them."""
