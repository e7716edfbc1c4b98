"""What a cluster's scheduler is shown of a task: a function that imports nothing, and bytes. Only workers look into them."""

from __future__ import annotations

from typing import Any


def call(parcel: bytes, bank: bytes) -> Any:
    """Score on a worker; see `reviewkit.clusterwork.score_there`.

    Args:
        parcel: A pickled `Parcel`; a cluster runs what its client sends anyway.
        bank: Of `packed`.
    """
    import pickle

    from reviewkit.clusterwork import score_there

    return score_there(pickle.loads(parcel), bank)  # noqa: S301 - from the client of the cluster


def same(data: bytes) -> bytes:
    """The bytes themselves: as a task's result they are made again when the worker that has them is lost."""
    return data
