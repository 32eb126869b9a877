"""The fit loop, its history, and model files."""
