"""The engine as papermill knows it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from papermill.engines import NBClientEngine
from papermill.log import logger
from papermill.utils import merge_kwargs, remove_args

from reviewkit.engine.owner import ForkServer, fork_server, forkable

LAUNCHER = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]


class ReviewkitEngine(NBClientEngine):  # type: ignore[misc]
    """Runs notebooks for this Python's ipykernel in forks; all others, and systems without fork, in kernels as always."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        log_output: bool = False,
        stdout_file: Any = None,
        stderr_file: Any = None,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        preload: Sequence[str] = (),
        server: ForkServer | None = None,
        env: Mapping[str, str] | None = None,
        ready: Sequence[str] = (),
        **kwargs: Any,
    ) -> Any:
        """Execute a notebook.

        Args:
            nb_man: papermill's manager of the notebook.
            kernel_name: Kernel to execute it with.
            log_output: As for papermill's own engine, like what is not named here.
            stdout_file: See above.
            stderr_file: See above.
            start_timeout: Seconds that a kernel may take to start.
            execution_timeout: Seconds that a cell may take; None: any time.
            preload: Modules that kernels find imported. They must not start threads or keep anything that belongs to one
                notebook.
            server: What to have kernels forked by; None: the one that this process keeps for `preload`.
            env: Environment variables besides those of this process.
            ready: Module, function and arguments (texts) of what the server is to call once, before it forks the first kernel
                that asks for it: kernels find done what it did. It must leave no thread.
            kwargs: Options of nbclient.

        Raises:
            jupyter_client.kernelspec.NoSuchKernel: If there is no such kernel.
            nbclient.exceptions.CellTimeoutError: If a cell takes longer.
            nbclient.exceptions.DeadKernelError: If the kernel ends.
            EngineError: If the process that kernels are forked from does not start.
        """
        specified = own_kernel(kernel_name or "python3") if forkable() and not _wants_manager(kwargs) else None
        common: dict[str, Any] = {"log_output": log_output, "stdout_file": stdout_file, "stderr_file": stderr_file}
        if specified is None:
            return super().execute_managed_notebook(
                nb_man, kernel_name, start_timeout=start_timeout, execution_timeout=execution_timeout, **common, **kwargs
            )
        from reviewkit.engine.client import ForkedNotebookClient

        options = merge_kwargs(
            remove_args(["input_path", "timeout", "startup_timeout"], **kwargs),
            timeout=execution_timeout or kwargs.get("timeout"), startup_timeout=start_timeout, kernel_name=kernel_name,
            log=logger, **common,
        )  # fmt: skip
        forks = server or fork_server(preload)
        return ForkedNotebookClient(nb_man, forks, {**specified, **(env or {})}, ready, **options).execute()


def _wants_manager(options: dict[str, Any]) -> bool:
    return any(options.get(name) is not None for name in ("km", "kernel_manager_class", "config"))


def own_kernel(name: str) -> dict[str, str] | None:
    """The environment of a kernel's specification if it is ipykernel in this Python; None if it is another.

    Raises:
        jupyter_client.kernelspec.NoSuchKernel: If there is none of that name.
    """
    found = _own_kernel(name, tuple(sorted((key, value) for key, value in os.environ.items() if key.startswith("JUPYTER"))))
    return None if found is None else dict(found)


@lru_cache(maxsize=16)
def _own_kernel(name: str, _settings: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...] | None:
    """As `own_kernel`, looked up once in a process for the same settings of Jupyter."""
    from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager

    spec = KernelSpecManager().get_kernel_spec(NATIVE_KERNEL_NAME if name == "python" else name)  # as jupyter_client takes it
    python, arguments = spec.argv[0], [argument for argument in spec.argv[1:] if argument != "-Xfrozen_modules=off"]
    names = {"python", f"python{sys.version_info[0]}", f"python{sys.version_info[0]}.{sys.version_info[1]}"}
    if python in names:  # jupyter_client takes these for the Python that it runs in
        python = sys.executable
    found = shutil.which(python)
    if found is None or Path(found).absolute() != Path(sys.executable).absolute() or arguments != LAUNCHER:
        return None
    return tuple(spec.env.items())
