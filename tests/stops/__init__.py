"""Real daemons, told to stop in the midst of work again and again: each has to leave with 0 and in time."""
