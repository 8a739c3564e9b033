"""The worker role: one flow for each queue, put together from the ports, started and drained."""
