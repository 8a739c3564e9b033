"""The credentials of all calls: the SDK's provider chain behind a cache, with deadlines, a backoff and a diagnosis."""
