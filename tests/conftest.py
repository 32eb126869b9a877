"""What holds for all tests."""

import os
import signal

from hypothesis import settings

# What a shell runs in the background ignores Ctrl-C, and so would the processes that tests start
# and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run: a test that fails by chance hides the one that fails for a reason.
# HYPOTHESIS_PROFILE=explore draws new ones, as .ci/long does.
settings.register_profile("repeat", derandomize=True)
settings.register_profile("explore", derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))
