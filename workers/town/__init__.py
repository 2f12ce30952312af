"""The practice town: a small social network of invented people, outside our walls."""
