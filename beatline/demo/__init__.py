"""beatline demo: an invented force, its town, and everything that Beatline is, from one command."""
