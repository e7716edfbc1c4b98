"""Ready links of an invite: mybinder.org, another BinderHub, JupyterHub and this machine; as text, badge and QR code."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from reviewkit.errors import UsageError

MYBINDER: Final = "https://mybinder.org"
LOCAL: Final = "http://localhost:8888"
_SHORT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*/[A-Za-z0-9_][A-Za-z0-9_.-]*(@[A-Za-z0-9_./-]+)?")
_SPEC: Final = re.compile(r"(gh|gl|git|gist|zenodo|figshare|hydroshare|dataverse|ckan)/[A-Za-z0-9_.%/+~-]+")
_WEB_HOSTS: Final = {"gh": "https://github.com", "gl": "https://gitlab.com"}


@dataclass(frozen=True, slots=True)
class Places:
    """Where a team's candidates open workbooks; an empty one gives no link."""

    repo: str = ""
    """Published repository, `owner/name`, `owner/name@ref`, or a BinderHub spec such as `gl/group%2Fname/main`."""
    binder: str = ""
    """Address of an own BinderHub."""
    hub: str = ""
    """Address of a JupyterHub with nbgitpuller."""
    local: str = LOCAL
    """Address of a Jupyter server on this machine."""


@dataclass(frozen=True, slots=True)
class Link:
    """One way to open a workbook."""

    place: str
    """`mybinder.org`, `BinderHub`, `JupyterHub` or `localhost`."""
    url: str
    badge: str = ""
    """Address of a picture that such a hub serves; empty: a plain Markdown link."""

    @property
    def markdown(self) -> str:
        """Badge or link for a README or a mail."""
        words = f"![Open the workbook]({self.badge})" if self.badge else "Open the workbook"
        return f"[{words}]({self.url})"


def links(token: str, places: Places) -> list[Link]:
    """Links that open the workbook of a token; those that nothing is known of are left out.

    Raises:
        UsageError: If the repository or an address is not one.
    """
    route = f"reviewkit/open/{token}"
    path = quote(route, safe="")
    found = []
    spec = binder_spec(places.repo) if places.repo else ""
    if spec:
        found.append(Link("mybinder.org", f"{MYBINDER}/v2/{spec}?urlpath={path}", f"{MYBINDER}/badge_logo.svg"))
    if spec and places.binder:
        base = address(places.binder)
        found.append(Link("BinderHub", f"{base}/v2/{spec}?urlpath={path}", f"{base}/badge_logo.svg"))
    if places.hub:
        base = address(places.hub)
        # nbgitpuller fetches the repository first where one is given: https://nbgitpuller.readthedocs.io
        repo, branch = _git(spec)
        pull = f"git-pull?repo={quote(repo, safe='')}&urlpath={path}&branch={quote(branch, safe='')}" if repo else route
        found.append(Link("JupyterHub", f"{base}/hub/user-redirect/{pull}"))
    if places.local:
        found.append(Link("localhost", f"{address(places.local)}/{route}"))
    return found


def address(text: str) -> str:
    """Base address of a hub, without a final slash.

    Raises:
        UsageError: If it is none.
    """
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment or parts.username)
    except ValueError:
        good = False
    if not good or not text.isascii() or not text.isprintable() or re.search(r"[\s()<>\"'\[\]]", text):
        raise UsageError("The address of a hub is not one.", "Give one such as https://hub.example.org")
    return text.rstrip("/")


def binder_spec(repo: str) -> str:
    """`provider/repository/ref` as BinderHub addresses have it; GitHub and HEAD where nothing else is said.

    Raises:
        UsageError: If it names no repository.
    """
    if _SHORT.fullmatch(repo) and not repo.startswith(("gh/", "gl/", "git/")):
        name, _, ref = repo.partition("@")
        return f"gh/{name}/{quote(ref or 'HEAD', safe='')}"
    if _SPEC.fullmatch(repo) and repo.count("/") >= 2:
        return repo
    raise UsageError("This is no repository that a hub can open.", "Give owner/name, owner/name@branch or gl/group%2Fname/main.")


def _git(spec: str) -> tuple[str, str]:
    """Address and branch of the repository of a spec, for nbgitpuller; empty where they do not follow from it."""
    provider, _, rest = spec.partition("/")
    if provider not in _WEB_HOSTS:
        return "", ""
    name, _, ref = rest.rpartition("/")
    branch = ref if ref and ref != "HEAD" else "main"
    return f"{_WEB_HOSTS[provider]}/{name.replace('%2F', '/')}", branch.replace("%2F", "/")


def qr_terminal(url: str) -> str:
    """QR code of a link for a terminal, dark on light."""
    import segno

    stream = io.StringIO()
    segno.make(url, error="l", micro=False).terminal(stream, compact=True, border=2)
    return stream.getvalue()


def write_qr(url: str, path: Path) -> None:
    """Write the QR code of a link as SVG.

    Raises:
        UsageError: If the file cannot be written.
    """
    import segno

    from reviewkit.collect import write_whole

    stream = io.BytesIO()
    segno.make(url, error="l", micro=False).save(stream, kind="svg", scale=4, border=4, light="white", title="Open the workbook")
    try:
        write_whole(path, stream.getvalue())
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}).", "Name another file with --svg.") from None
