"""Learning rate schedules, one file each, named as they are registered."""
