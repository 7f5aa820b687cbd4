"""What holds for every test: property tests draw the same examples in every run."""

from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=5000, deadline=None, print_blob=True)
settings.load_profile("steady")
