"""Other workers on the same endpoint: a plain loop on the SDK, taskiq, Celery."""
