"""The fleet: each daemon says what it does, hears what is asked of it, and heeds how queues stand."""
