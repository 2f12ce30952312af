"""Pictures and videos: taken in and cleaned, kept in the file store, carried by posts."""
