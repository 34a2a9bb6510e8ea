"""The seven steps over real HTTP, between processes that know nothing of each other but a URL."""
