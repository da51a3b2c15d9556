"""What holds for every test: fixed examples, no deadlines, and no notebook imported as a module."""

from hypothesis import HealthCheck, settings

# Solutions' sources are notebooks: nothing may import them to look for doctests.
collect_ignore_glob = ["solutions/*/*.py"]

# One hundred examples each, the same ones every time: a failure today is a failure tomorrow. How
# long one takes depends on the machine and proves nothing.
settings.register_profile(
    "unrolled",
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("unrolled")
