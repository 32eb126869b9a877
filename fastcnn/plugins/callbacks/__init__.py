"""Callbacks that come with fastcnn; a file's name is the callback's registered name."""
