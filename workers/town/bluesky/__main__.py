"""python -m workers.town.bluesky --port 8003 --data sky.sqlite3"""

import argparse
import json
import os
from pathlib import Path

from workers.town.bluesky.app import create_app
from workers.town.bluesky.sky import SkySettings
from workers.town.server import serve


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workers.town.bluesky", description="The practice sky.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8003, help="0 takes any free port and says which")
    parser.add_argument("--data", default=":memory:", help="SQLite file that keeps the sky between runs")
    parser.add_argument("--tokens-file", type=Path, help="JSON: name → app password")
    parser.add_argument("--key", default=os.environ.get("TOWN_KEY", ""), help="opens /town/…; or set TOWN_KEY")
    parser.add_argument("--base-url", default="", help="when people reach it under another address")
    parser.add_argument("--domain", default="sky.example")
    parser.add_argument("--access-seconds", type=float, default=7200.0, help="how long an access token is good")
    parser.add_argument("--rate-limit", type=int, default=3000, help="requests in five minutes for each token")
    parser.add_argument("--sign-ins", type=int, default=30, help="in five minutes for each account")
    parser.add_argument("--seed", type=int, default=1)
    return parser


def main(arguments: list[str] | None = None) -> None:
    asked = _parser().parse_args(arguments)
    passwords = json.loads(asked.tokens_file.read_text("utf-8")) if asked.tokens_file else {}
    settings = SkySettings(
        data=asked.data,
        key=asked.key,
        passwords=passwords,
        base_url=asked.base_url,
        domain=asked.domain,
        access_seconds=asked.access_seconds,
        rate_limit=asked.rate_limit,
        sign_ins=asked.sign_ins,
        seed=asked.seed,
    )
    serve(create_app(settings), asked.host, asked.port)


if __name__ == "__main__":
    main()
