"""Child processes that run functions for this one: started, fed, killed and reaped here, and by nobody else."""
