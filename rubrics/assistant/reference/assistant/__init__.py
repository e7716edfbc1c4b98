"""Support desk of the shops on the platform: customers ask, agents act."""
