"""A campaign that tries to break things for hours: mutated files, kills, full disks, forks.

`python -m tests.endurance --help`; docs/reliability.md has what it found. A little of each runs in
the usual tests (test_campaign.py).
"""
