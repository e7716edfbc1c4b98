"""Import service of the card team."""
