"""Who may do what. One table, read by every gate."""
