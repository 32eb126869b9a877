"""Plugins for fastcnn: each module holds one, and is imported when somebody asks for its name."""
