"""SQS: standard queues with long polls, visibility, receive counts, redrive, and receipts that are looked at."""
