"""The measuring side: an endpoint that must be as strict as AWS, and sums that must be right."""
