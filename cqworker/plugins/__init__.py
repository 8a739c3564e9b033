"""What a handler is to its author and to the worker, and how plugins are found."""
