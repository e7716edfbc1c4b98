"""How long a candidate waits: from the link of an invite to the first usable form, over an empty notebook on the same server.

Each pair opens an empty notebook and a fresh invite, in turn, each in a browser profile of its own, with an empty cache and
a kernel of its own. What counts is the ratio of the medians: the machine's speed is in both.

    python benchmarks/opening/run.py [--pairs 15] [--scenario checkout] [--ui lab]
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from reviewkit import base64url
from reviewkit.bank import find_bank
from reviewkit.doctor import find_browser
from reviewkit.invite import sign
from reviewkit.invite_terms import Terms
from reviewkit.inviting import make
from reviewkit.keyring import SigningKeyPair
from reviewkit.serve import Server, bring_up, launch, private_folder

ROOT = Path(__file__).resolve().parents[2]
KEY = SigningKeyPair(1, bytes(range(32)))
EMPTY = {
    "cells": [{"cell_type": "code", "id": "a", "metadata": {}, "execution_count": None, "outputs": [], "source": ""}],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}},
    "nbformat": 4, "nbformat_minor": 5,
}  # fmt: skip
CELL, BUTTON = ".jp-Notebook .jp-Cell .cm-content", ".rk-consent .rk-primary"


def home(folder: Path, slug: str) -> Path:
    """What a candidate's server shows: one published scenario."""
    place = folder / "home"
    shutil.copytree(ROOT / "scenarios" / slug, place / "scenarios" / slug)
    (place / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / f"{slug}.ipynb", place / "notebooks")
    return place


def extension(folder: Path) -> Path:
    """This repository's lab extension, laid out as an installed wheel has it; found before one that is installed."""
    (folder / "prefix" / "labextensions").mkdir(parents=True)
    (folder / "prefix" / "labextensions" / "reviewkit").symlink_to(ROOT / "reviewkit" / "labextension")
    return folder / "prefix"


def seconds(browser: Browser, url: str, selector: str) -> float:
    """From navigation until the selector shows, in a profile of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = context.new_page()
        started = time.perf_counter()
        page.goto(url, wait_until="commit")
        page.locator(selector).first.wait_for(state="visible", timeout=120_000)
        return time.perf_counter() - started
    finally:
        context.close()


def measure(server: Server, root: Path, slug: str, pairs_n: int, ui: str) -> dict[str, list[float]]:
    """Seconds of both ways, interleaved; the first pair warms the disk and is left out."""
    bank, found = find_bank(ROOT), {"empty notebook": list[float](), "invite": list[float]()}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        for number in range(pairs_n + 1):
            (root / f"empty-{number}.ipynb").write_text(json.dumps(EMPTY))
            where = f"doc/workspaces/e-{number}/tree" if ui == "lab" else "notebooks"
            invite = make(bank, slug, f"c-{number}", Terms(), KEY, int(time.time()))
            ways = [
                ("empty notebook", f"{server.base_url}{where}/empty-{number}.ipynb?token={server.token}", CELL),
                ("invite", f"{server.base_url}reviewkit/open/{sign(invite, KEY.private)}?token={server.token}&ui={ui}", BUTTON),
            ]
            for name, url, selector in ways if number % 2 else reversed(ways):
                took = seconds(browser, url, selector)
                if number:
                    found[name].append(took)
                    print(f"{number:3} {name:15} {took:6.2f} s", flush=True)
        browser.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--scenario", default="checkout")
    parser.add_argument("--ui", choices=("lab", "notebook"), default="lab")
    given = parser.parse_args()
    private, folder = private_folder(), Path(tempfile.mkdtemp(prefix="reviewkit-opening-"))
    root = home(folder, given.scenario)
    variables = {"REVIEWKIT_PUBKEY": base64url.encode(KEY.public), "REVIEWKIT_STATE": str(folder / "state"), "REVIEWKIT_BANK": str(root), "JUPYTER_PATH": str(extension(folder))}
    token, process = launch(private, root, given.ui, variables)
    server = Server(label="opening", token=token, front=given.ui, process=process, private=private)
    try:
        bring_up(server, "api/status", lambda answer: "started" in answer)
        found = measure(server, root, given.scenario, given.pairs, given.ui)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    medians = {name: statistics.median(values) for name, values in found.items()}
    for name, value in medians.items():
        print(f"{name}: median {value:.2f} s of {given.pairs}")
    print(f"ratio {medians['invite'] / medians['empty notebook']:.2f} (goal at most 1.3, aim 1.15)")


if __name__ == "__main__":
    main()
