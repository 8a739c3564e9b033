"""The store of artifacts on S3."""
