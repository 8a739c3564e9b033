"""One behaviour suite for every implementation of a port: in memory, on moto, on the real engines."""
