"""Checks that no ready-made tool offers."""
