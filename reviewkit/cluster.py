"""Scores a batch on a Dask cluster: each submission is one task, the output folder stays here.

Dask balances the work and gives a task to another worker when its own is lost. What comes back is written here, so the batch
ends, goes on, and looks as one that ran on this machine. The library is the optional extra `dask`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import pickle
import secrets
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from reviewkit import decisions, hiring
from reviewkit.batch import Order
from reviewkit.batchrun import AHEAD, Runner
from reviewkit.blocking import finished
from reviewkit.clustercall import call, same
from reviewkit.clusterwork import FILE, Parcel, Returned, packed
from reviewkit.collect import write_whole
from reviewkit.errors import ClusterError, UsageError
from reviewkit.notice import NAME as NOTICE
from reviewkit.outfolder import OutFolder
from reviewkit.row import Row, write_row
from reviewkit.safe_text import visible
from reviewkit.scoringrun import Outcome, Work

if TYPE_CHECKING:
    from distributed import Client

ANSWER_SECONDS: Final = 10
"""How long a scheduler may take to answer."""
WORKER_SECONDS: Final = 60
"""How long to wait for a first worker."""


def on_cluster(address: str) -> Callable[[Order], AbstractContextManager[Runner]]:
    """Where to score, by the address of a scheduler; nothing is reached yet.

    Raises:
        UsageError: If the extra is not installed.
    """
    if importlib.util.find_spec("distributed") is None:
        raise UsageError("--scheduler needs the extra dask.", "Install it with: pip install 'reviewkit[dask]'")
    return lambda order: cluster_runner(address, order)


@contextmanager
def cluster_runner(address: str, order: Order) -> Iterator[Runner]:
    """A runner on a cluster, as long as the connection lasts.

    Raises:
        UsageError: If the order asks for what a cluster does not do.
        ClusterError: If the scheduler does not answer, or has no workers.
    """
    if order.second_opinion:
        raise UsageError("--second-opinion cannot be used with --scheduler.", "Score without one of them.")
    client = _connected(address)
    try:
        yield ClusterRunner(client, order)
    finally:
        with suppress(Exception):  # a scheduler that is gone
            client.close(timeout=2)


def _connected(address: str) -> Client:
    import dask

    warnings.filterwarnings("ignore", "Sending large graph")  # a notebook of 30 MB is large, and must go there
    dask.config.set({"logging": {"distributed": "critical"}})  # what matters is said in one sentence
    from distributed import Client

    shown = visible(address)
    try:
        client = Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError, KeyError, ImportError):
        step = "Start one with: dask scheduler, and name the address that it prints (tcp://HOST:8786)."
        raise ClusterError(f"{shown}: no Dask scheduler answers there", step) from None
    try:
        client.wait_for_workers(1, timeout=WORKER_SECONDS)
    except TimeoutError:
        client.close(timeout=2)
        raise ClusterError(f"{shown}: the scheduler has no workers", f"Start some with: dask worker {shown}") from None
    return client


class ClusterRunner:
    """Hands submissions to a cluster, and writes what comes back."""

    def __init__(self, client: Client, order: Order) -> None:
        self._client, self._order, self._folder = client, order, OutFolder(order.out)
        pack = packed(order.bank, order.rubrics)
        self._bank = client.submit(same, pack, key=f"reviewkit-bank-{hashlib.sha256(pack).hexdigest()[:32]}")
        self._decided = finished(decisions.everything(self._folder.store_url))
        self._hired = finished(hiring.everything(self._folder.store_url))

    @property
    def window(self) -> int:
        """See `Runner`; grows with the cluster."""
        try:
            threads: Iterable[int] = self._client.nthreads().values()
            return AHEAD * max(1, sum(threads))
        except Exception as error:
            raise _gone(error) from error

    def submit(self, work: Work) -> Future[Outcome]:
        """See `Runner`."""
        known = Parcel(
            work, self._order, dict(self._needed(work.sha256)), self._decided.get(work.sha256, ()), self._hired.get(work.sha256, ())
        )
        name = f"reviewkit-{work.sha256}-{secrets.token_hex(4)}"
        try:
            asked = self._client.submit(call, pickle.dumps(known), self._bank, key=name, pure=False)
        except Exception as error:
            raise _gone(error) from error
        answer: Future[Outcome] = Future()
        answer.set_running_or_notify_cancel()
        asked.add_done_callback(lambda ended: self._take(work, ended, answer))
        return answer

    def _needed(self, sha256: str) -> Iterator[tuple[str, bytes]]:
        root = self._folder.root
        paths = [self._folder.staged(sha256), self._folder.owner_file(sha256), root / NOTICE, *(root / "baselines").glob("*.json")]
        for path in paths:
            if path.is_file():
                yield path.relative_to(root).as_posix(), path.read_bytes()

    def _take(self, work: Work, ended: Any, answer: Future[Outcome]) -> None:
        """In a thread of Dask's client: everything goes to the one who waits."""
        try:
            answer.set_result(self._outcome(work, ended))
        except BaseException as error:
            answer.set_exception(error)

    def _outcome(self, work: Work, ended: Any) -> Outcome:
        from distributed.scheduler import KilledWorker

        try:
            returned: Returned = ended.result()
        except KilledWorker:
            return self._lost(work)
        except ClusterError:
            raise
        except ImportError as error:
            raise ClusterError(f"The cluster's workers cannot score ({visible(str(error))})", "Install reviewkit on all of them.") from None
        except BaseException as error:  # also that it was cancelled, which is none
            raise _gone(error) from error
        for name, data in returned.files.items():
            if FILE.fullmatch(name):
                write_whole(self._folder.root / name, data)
        return returned.outcome

    def _lost(self, work: Work) -> Outcome:
        """The row of a submission with which one worker after the other was lost."""
        sentence = f"{work.staged.name}: several workers were lost while they scored it. Look at their logs, then score the file again."
        row = Row(
            work.staged.name, work.sha256, candidate=work.candidate, scenario=work.slug, scenario_version=work.version,
            unscored="scoring_failed", sentence=sentence,
        )  # fmt: skip
        write_row(self._folder.row_file(work.sha256), row)
        return Outcome(row, 0.0)


def _gone(error: BaseException) -> ClusterError:
    fact = f"The cluster was lost ({type(error).__name__})"
    return ClusterError(fact, "What is done is kept; once the cluster is back, the same command goes on.")
