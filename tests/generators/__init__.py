"""Clients that public generators write from the description of the API: made, compiled and put to use."""
