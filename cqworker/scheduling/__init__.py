"""Time: jobs that are due are found in their index and sent, by whoever of the fleet holds the sweep leases."""
