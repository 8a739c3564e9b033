"""Where the daemon runs: what a supervisor is told."""
