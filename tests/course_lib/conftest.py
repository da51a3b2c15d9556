"""Settings and generators shared by the library's tests."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# One hundred examples each, the same ones every time: a failure today is a failure tomorrow.
settings.register_profile(
    "course",
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("course")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
