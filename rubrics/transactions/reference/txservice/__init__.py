"""Records card payments that terminal operators report."""
