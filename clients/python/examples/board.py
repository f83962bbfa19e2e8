"""The bugs by status in a terminal, live: a collection, without asyncio.

    python3 board.py URL TOKEN-FILE
"""
import collections
import sys

import bugevents


def main(url: str, token_file: str) -> None:
    """Until it is interrupted."""
    with open(token_file, encoding="utf-8") as file:
        token = file.read().strip()
    with bugevents.rows(url, "bug_report", token=token) as bugs:
        while True:
            counts = collections.Counter(row["status"] for row in bugs.rows.values())
            print("  ".join(f"{status}: {count}" for status, count in sorted(counts.items())), flush=True)
            next(bugs)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        pass
