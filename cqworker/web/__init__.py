"""The front desk: HTTP in, problem+json out."""
