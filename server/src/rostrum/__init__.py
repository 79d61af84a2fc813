"""Rostrum: a self-hosted webinar server."""

__version__ = "0.1.0"
