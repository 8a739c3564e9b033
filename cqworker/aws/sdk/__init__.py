"""The AWS SDK as this process uses it."""
