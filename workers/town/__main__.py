"""python -m workers.town --port 8002 --data town.sqlite3"""

import argparse
import json
import os
from pathlib import Path

from workers.town.app import create_app
from workers.town.server import serve
from workers.town.settings import TownSettings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workers.town", description="The practice town.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8002, help="0 takes any free port and says which")
    parser.add_argument("--data", default=":memory:", help="SQLite file that keeps the town between runs")
    parser.add_argument("--scenario", default="week", help="week, empty, or the name of a rehearsal")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pace", choices=["demo", "still", "fast"], default="demo")
    parser.add_argument("--speed", type=float, default=20.0, help="how many times quicker, with --pace fast")
    parser.add_argument("--tokens-file", type=Path, help="JSON: handle → access token")
    parser.add_argument(
        "--key", default=os.environ.get("TOWN_KEY", ""), help="opens /town/…; or set TOWN_KEY"
    )
    parser.add_argument("--base-url", default="", help="when people reach the town under another address")
    parser.add_argument("--domain", default="town.example")
    parser.add_argument(
        "--rate-limit", type=int, default=7500, help="requests in five minutes for each token"
    )
    return parser


def main(arguments: list[str] | None = None) -> None:
    asked = _parser().parse_args(arguments)
    tokens = json.loads(asked.tokens_file.read_text("utf-8")) if asked.tokens_file else {}
    settings = TownSettings(
        data=asked.data,
        scenario=asked.scenario,
        seed=asked.seed,
        pace=asked.pace,
        speed=asked.speed,
        key=asked.key,
        tokens=tokens,
        base_url=asked.base_url,
        domain=asked.domain,
        rate_limit=asked.rate_limit,
    )
    serve(create_app(settings), asked.host, asked.port)


if __name__ == "__main__":
    main()
