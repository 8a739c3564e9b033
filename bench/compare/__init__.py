"""What a change costs on the hot path: the code before it and the code after it, alive side by side."""
