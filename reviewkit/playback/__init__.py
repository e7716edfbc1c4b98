"""A record replayed: what came when, after what, and what was edited. Knows no key, so that a candidate may see the same."""
