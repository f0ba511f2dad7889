"""Settings of all tests."""

import os

from hypothesis import settings

# The same examples on every machine, so that a red run is about the change; `HYPOTHESIS_PROFILE=explore` looks for new
# ones. No deadlines: machines are slow at times, and a timing is no test.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
