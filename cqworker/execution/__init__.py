"""Runs handlers: on a loop, in threads, in child processes. It knows no queue and no store."""
