"""The command line: `beatline --help`."""


def main() -> None:
    raise SystemExit("not yet")
