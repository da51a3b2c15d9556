"""Solutions' sources are notebooks, no modules: nothing may import them to look for doctests."""

collect_ignore_glob = ["solutions/*/*.py"]
