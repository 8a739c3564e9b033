"""One message's trip: receive, claim, lease, settle, acknowledge. journey.py is the one to read first."""
