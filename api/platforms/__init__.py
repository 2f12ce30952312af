"""What is true of the platforms with the cable pulled out: limits, values, errors, counting."""
