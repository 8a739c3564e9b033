"""Events in, log lines and numbers out."""
