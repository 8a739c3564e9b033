"""The production flow under a deterministic simulation: `python -m tests.simulation --help`."""
