"""What the services and the main loop did lately, for readiness and for work that would only wait."""
