"""The composition root and the daemon's lifecycle: open, ready, quiet, drain, close."""
