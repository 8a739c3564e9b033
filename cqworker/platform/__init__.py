"""Where the daemon runs: the supervisor that started it, and how it is kept informed."""
