"""Sells what lies in a shop's drawers."""
