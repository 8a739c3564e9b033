"""What other job systems (Celery, Dramatiq, RQ, taskiq, arq, Sidekiq, …) call what has another name or place here."""
