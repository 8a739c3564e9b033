"""Limits for a whole fleet: whether a claimed job may start now, and when else."""
