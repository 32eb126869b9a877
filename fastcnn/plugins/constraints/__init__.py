"""Constraints on parameters, one file each, named as they are registered."""
