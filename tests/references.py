"""Other people's statistics to compare ours with, imported when a test wants them: that takes seconds, which every process would pay."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace


def pingouin() -> ModuleType:
    """Intraclass correlation, effect sizes."""
    import pingouin as module

    return module


def scipy_stats() -> ModuleType:
    """Distributions and tests."""
    from scipy import stats

    return stats


def sklearn_metrics() -> ModuleType:
    """Cohen's kappa with weights."""
    from sklearn import metrics

    return metrics


def statsmodels() -> SimpleNamespace:
    """Intervals of kappa and of shares."""
    from statsmodels.stats import inter_rater, proportion

    return SimpleNamespace(inter_rater=inter_rater, proportion=proportion)
