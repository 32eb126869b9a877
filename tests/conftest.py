"""What holds for all tests."""

import signal

# What a shell runs in the background ignores Ctrl-C, and so would the processes that tests start
# and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
