"""The wiring: which settings, which URLs, which process. Owns no rule of the product, and nobody imports it."""
