"""The handlers that come with cqworker, written as anybody's would be."""
