"""The ports on AWS: the only room that knows boto."""
