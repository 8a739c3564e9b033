"""What people ask for: submit, show, wait for, retry and cancel jobs."""
