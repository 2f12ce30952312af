"""Reads what is about to be published, as a careful colleague would, and says what would do harm and what to write."""
