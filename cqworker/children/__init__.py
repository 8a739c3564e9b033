"""Child processes that run functions for this one: they are started, called, killed and reaped in this room alone."""
