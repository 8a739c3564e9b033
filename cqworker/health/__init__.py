"""What the services and the main loop did lately, for readiness and for those who would only wait."""
