"""Orders of the shop, as the shop front sees them."""
