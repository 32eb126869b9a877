"""Classical baselines, one file each."""
