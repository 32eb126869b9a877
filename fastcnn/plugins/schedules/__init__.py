"""Learning rates over the iterations, one file each, named as they are registered."""
