"""`cqworker bench`: what a job costs on the AWS that is configured here."""
