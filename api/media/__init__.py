"""Pictures and films: taken in and cleaned, kept in the file store, carried by posts."""
