"""What would make sense in a bakery: nothing here knows about policing or platforms."""
