"""What holds for all tests."""

import signal

# A shell lets what it runs in the background ignore Ctrl-C; processes that tests start, to interrupt
# them, would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
