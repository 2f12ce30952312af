"""The practice sky: a server of Bluesky's kind, where the same invented people live as in the practice town."""
