"""What happens when cables are pulled and processes killed: real brokers, SuperLinks and devices, no mocks."""
