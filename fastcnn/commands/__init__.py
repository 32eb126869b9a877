"""What the commands of `fastcnn` do, one file each; `fastcnn/cli.py` parses and prints."""
