"""Metrics, one file each, named as they are registered."""
