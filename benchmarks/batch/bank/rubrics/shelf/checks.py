"""Hidden checks: the benchmark's check text on a warehouse in the sandbox."""

from pathlib import Path
from random import Random

from reviewkit.harness import Stage, Verdict, check, verdict
from reviewkit.harness.stage import load_module

TEXT = load_module(Path(__file__).with_name("checktext.py"))


def on_shelves(name):
    """A check of the text as a check of the rubric."""

    async def run(stage: Stage, rng: Random) -> Verdict:
        async with stage.open(stage.kit.warehouse()) as job:
            return verdict(await TEXT.CHECKS[name](stage.kit.Shelves(job)), "as the text asks", "see the text")

    return check(name, (TEXT.CHECKS[name].__doc__ or name).rstrip("."))(run)


CHECKS = [on_shelves(name) for name in TEXT.CHECKS]
serves, refuses, rush, odd_counts = CHECKS
