"""The aggregator: a real Flower server on a fleet that lives in virtual time, and the account of its tasks."""

from aggregator import server_time

server_time.install()  # before flwr is imported anywhere: its strategies bind `sleep` when they are
