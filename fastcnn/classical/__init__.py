"""What classical baselines are made of, and how their classifiers are kept without pickle."""
