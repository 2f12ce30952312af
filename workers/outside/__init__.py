"""What workers reach that is no platform: the force's mail server, and the addresses of its other systems."""
