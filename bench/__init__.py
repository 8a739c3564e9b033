"""Measures what a job costs: an endpoint that is cheap to call, the loads, the peers, and the table of it all."""
