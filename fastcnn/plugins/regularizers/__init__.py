"""Penalties on parameters, one file each. All are l1 sum|p| + l2 sum p^2, added to the loss."""
