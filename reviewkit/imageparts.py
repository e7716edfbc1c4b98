"""What the code of scenarios needs in a candidate's image beside Python and its packages.

The driver of a scenario decides, not its languages: TypeScript that is only read needs no Node. Whether there is a PostgreSQL decide
its probes and public checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reviewkit.bank import Bank
from reviewkit.errors import UsageError
from reviewkit.harness.stage import find_driver
from reviewkit.runtimes.guests import profile
from reviewkit.runtimes.javaguest import has_spring
from reviewkit.runtimes.nodeguest import JSX_DRIVERS
from reviewkit.words import RunsIn

_JDK: Final = "openjdk-17-jdk-headless"
"""The name is the same in Debian and Ubuntu; no package of PyPI has a compiler of Java."""
_MAVEN: Final = "maven"
_ASKS: Final = "stage.postgres("
"""How a probe or a public check asks for a database of a real server."""


@dataclass(frozen=True)
class Parts:
    """What an image has beside Python."""

    node: bool = False
    react: bool = False
    system: tuple[str, ...] = ()
    """Packages of apt, sorted."""
    spring: bool = False
    """Whether `reviewkit setup java` runs while the image is built."""
    postgres: bool = False
    """Whether there are a PostgreSQL server and its driver."""

    @property
    def told(self) -> str:
        """What somebody installs by other means on a machine of their own, to go on a sentence; empty for nothing."""
        if not self.system:
            return ""
        return ", a JDK 17 or later and Maven" if self.spring else " and a JDK 17 or later"


def parts_of(scenarios: Iterable[Path]) -> Parts:
    """What the code of all these scenarios' folders needs together."""
    folders = tuple(scenarios)
    found = tuple(find_driver(folder) for folder in folders)
    profiles = {profile(driver) for driver in found}
    spring = any(profile(driver) == "java" and has_spring(driver) for driver in found)
    system = ([_MAVEN] if spring else []) + ([_JDK] if "java" in profiles else [])
    react = any(driver.suffix in JSX_DRIVERS for driver in found)
    return Parts("node" in profiles, react, tuple(system), spring, any(map(_asks_postgres, folders)))


def _asks_postgres(folder: Path) -> bool:
    sources = (path for part in ("probes", "exercises") for path in sorted((folder / part).glob("*.py")))
    return any(_ASKS in source.read_text("utf-8") for source in sources)


def runs_in(driver: Path) -> RunsIn:
    """What the code of a scenario with this driver runs in."""
    if driver.suffix in JSX_DRIVERS:
        return RunsIn.REACT
    return {"": RunsIn.PYTHON, "node": RunsIn.NODE, "java": RunsIn.JAVA}[profile(driver)]


def running_in(bank: Bank, wanted: Sequence[RunsIn]) -> tuple[str, ...]:
    """Scenarios of a bank whose code runs in one of these.

    Raises:
        UsageError: If there is none.
    """
    slugs = tuple(entry.slug for entry in bank if runs_in(find_driver(entry.folder)) in wanted)
    if not slugs:
        fact = f"No scenario of this bank runs in {' or '.join(dict.fromkeys(wanted))}."
        raise UsageError(fact, "See what each runs in: reviewkit bank list")
    return slugs
