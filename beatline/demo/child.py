"""The practice town as the demo's child: it leaves when its parent does, however that ends."""

import os
import sys
import threading

from workers.town.__main__ import main


def leave_with_parent() -> None:
    """The parent holds the other end of our standard input; when it is gone, the end of the file comes."""
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=leave_with_parent, daemon=True).start()
    main(sys.argv[1:])
