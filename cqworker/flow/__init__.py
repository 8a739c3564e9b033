"""The life of a job: submission, polling, claim, lease, execution, settling, drain."""
