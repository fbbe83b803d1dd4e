"""The number of random specs: 50 fixed specs by default, a thousand in the nightly tests.

The nightly tests shrink a failing spec, which takes minutes. By default it is shown unchanged.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

SLOW = [HealthCheck.too_slow]  # a framework builds a model for every example

settings.register_profile(
    "default",
    max_examples=50,
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=SLOW,
)
settings.register_profile(
    "nightly", max_examples=1000, deadline=None, print_blob=True, suppress_health_check=SLOW
)
settings.load_profile(os.environ.get("NETSPEC_HYPOTHESIS_PROFILE", "default"))
