"""Runs the loads against cqworker and its peers, and prints what each job cost."""
