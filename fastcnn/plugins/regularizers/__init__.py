"""Penalties on parameters and activations, one file each, named as they are registered."""
