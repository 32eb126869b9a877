"""Data sources: each reads one kind of file or set into a `Dataset` of checked arrays."""
