"""Addresses that a form brings along: only our own lead anywhere."""


def within(where: str) -> str:
    """An address of ours to go on to; anything else leads to Today."""
    plain = where.startswith("/") and not where.startswith("//") and "\\" not in where and where.isprintable()
    return where if plain else "/"
