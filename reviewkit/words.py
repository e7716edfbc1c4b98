"""The closed word lists that scenario, rubric, finding and scorecard share.

Their order is the order in which forms offer them: the same in every scenario, so that it hints at nothing.
"""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """How bad a flaw is for those who run the system."""

    BLOCKER = "blocker"
    MAJOR = "major"
    MINOR = "minor"
    NIT = "nit"


class Category(StrEnum):
    """What kind of remark a finding is; the candidate's choice from one fixed list."""

    CORRECTNESS = "correctness"
    CONCURRENCY = "concurrency"
    DATA = "data"
    SECURITY = "security"
    PERFORMANCE = "performance"
    RELIABILITY = "reliability"
    OBSERVABILITY = "observability"
    TESTING = "testing"
    API = "api"
    MAINTAINABILITY = "maintainability"


class Level(StrEnum):
    """Experience at which a reviewer is expected to see a defect."""

    JUNIOR = "junior"
    MID = "mid"
    SENIOR = "senior"
    STAFF = "staff"


class Domain(StrEnum):
    """The six areas of production behaviour that a bank covers."""

    ASYNC_CONCURRENCY = "async-concurrency"
    DATABASE = "database"
    API_BOUNDARIES = "api-boundaries"
    TESTING_OBSERVABILITY = "testing-observability"
    PERFORMANCE_MEMORY = "performance-memory"
    AI_DATA_INTEGRITY = "ai-data-integrity"


class Judgement(StrEnum):
    """What a candidate says of a claim in the author's description."""

    TRUE = "true"
    FALSE = "false"
    NOT_SHOWN = "not shown"


class Dimension(StrEnum):
    """One scored side of a review; the weights of a rubric sum over these."""

    DETECTION = "detection"
    PRECISION = "precision"
    UNDERSTANDING = "understanding"
    PRIORITISATION = "prioritisation"
    CLAIMS = "claims"
    MENDING = "mending"
    PROOF = "proof"
    COMMUNICATION = "communication"


class StageName(StrEnum):
    """A stage of an interview that may open later than the review: the architecture (Day 3), the degraded system (Day 5)."""

    ARCHITECTURE = "architecture"
    DEGRADED = "degraded"


class ExerciseKind(StrEnum):
    """A task beyond findings."""

    MEND = "mend"
    TRACE = "trace"
    DIAGNOSE = "diagnose"
    EXPLAIN = "explain"


class RunsIn(StrEnum):
    """What the code of a scenario runs in, which decides how large an image is."""

    PYTHON = "python"
    NODE = "node"
    REACT = "react"
    """Node with the packages of React."""
    JAVA = "java"
