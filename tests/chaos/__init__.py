"""Workers as real processes on the real engines, behind a proxy that makes faults, and a checker of what came out."""
