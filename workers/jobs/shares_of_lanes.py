"""Nobody takes all lanes: a server that answers slowly leaves some of them to the others."""

SHARE = 0.8
"""Of the lanes that others leave free. One slow server leaves a fifth, a second one a fifth of that: always something."""


class Shares:
    """How many requests of a worker are under way to each server."""

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self._under_way: dict[str, int] = {}
        self._all = 0

    def begin(self, server: str) -> bool:
        """Takes a lane, if the server may have one more."""
        mine = self._under_way.get(server, 0)
        if mine >= max(1, int(SHARE * (self._lanes - self._all + mine))):
            return False
        self._under_way[server] = mine + 1
        self._all += 1
        return True

    def end(self, server: str) -> None:
        mine = self._under_way.pop(server)
        self._all -= 1
        if mine > 1:
            self._under_way[server] = mine - 1
