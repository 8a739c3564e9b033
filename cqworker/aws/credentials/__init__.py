"""The credentials chain as a service of its own: asked once for all, with a deadline, a backoff and its own words."""
