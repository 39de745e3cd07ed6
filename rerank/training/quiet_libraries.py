"""Keep the progress bars and messages of the libraries that train from the user of a training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep the bars and messages of the libraries from the user; errors are raised."""
    import logging
    import warnings

    import datasets
    from transformers.utils import logging as transformers_logging

    library: Any = transformers_logging  # only partly typed
    level, bars = library.get_verbosity(), library.is_progress_bar_enabled()
    loggers = [logging.getLogger(one) for one in ("sentence_transformers", "datasets", "accelerate")]
    levels = [logger.level for logger in loggers]
    data_bars = not datasets.are_progress_bars_disabled()
    library.set_verbosity_error()
    library.disable_progress_bar()
    datasets.disable_progress_bars()
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice of libraries for programmers
            yield
    finally:
        library.set_verbosity(level)
        for logger, before in zip(loggers, levels, strict=True):
            logger.setLevel(before)
        if bars:
            library.enable_progress_bar()
        if data_bars:
            datasets.enable_progress_bars()
