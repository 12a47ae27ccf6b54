"""A year of the whole agency by the rules alone: 190 offices, 20,000 staff, 900 milestones, 2,500 departures.

    python tests/benchmarks/bench_year.py [--seed 1]

Ends with 1, and says what, if anybody was asked twice, too often, out of hours or after an answer. Told are
the CPU seconds, beside the five minutes it may take.
"""

import argparse
import importlib
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))
year = importlib.import_module("year")

MAY_TAKE_S = 300.0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    chance = random.Random(parser.parse_args().seed)
    begun = time.process_time()
    agency = year.agency(chance, offices=190, staff=20_000)
    people = [one for them in agency.staff.values() for one in them]
    calendar = year.milestones(chance, list(agency.offices), 900)
    happened = year.run(agency, calendar, year.leavers(chance, people, 2_500), chance)
    took_s = time.process_time() - begun
    wrong = list(year.wrong(happened))
    lines = [
        f"{len(happened.sent):,} messages to {len({one.person for one in happened.sent}):,} people",
        ", ".join(f"{count:,} {state}" for state, count in sorted(happened.outcomes.items())),
        f"{took_s:.0f} s of CPU, {took_s / MAY_TAKE_S:.0%} of what it may take; {len(wrong)} wrong",
        *wrong[:20],
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
