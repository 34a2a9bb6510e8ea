"""The seven steps over real HTTP, between processes that share only a URL."""
