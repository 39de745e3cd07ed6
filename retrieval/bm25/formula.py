"""BM25 as arrays, for the impacts stored in an index and for those computed at a search.

Source: Kamphuis et al. 2020, "Which BM25 do you mean?", table 1, row "Lucene (accurate)",
https://doi.org/10.1007/978-3-030-45442-5_4. The precision is that of bm25s: idf is rounded to float32, the rest is
float64, and the product is rounded to float32; so both uses give the same scores to the last bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def inverse_frequency(documents: int, frequencies: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the idf of terms, float32 [terms]: ln(1 + (N - df + 0.5) / (df + 0.5)).

    `documents` is N; `frequencies`, int64 [terms], are the numbers of documents with each term.
    """
    return np.log1p((documents - frequencies + 0.5) / (frequencies + 0.5)).astype(np.float32)


def length_norms(lengths: NDArray[np.int32], mean: float, k1: float, b: float) -> NDArray[np.float64]:
    """Return k1 * (1 - b + b * length / average length) of documents, float64 [documents].

    `mean` is the average of all documents; 0.0, if none has a term, divides nothing.
    """
    return np.asarray(k1 * ((1 - b) + b * lengths / (mean or 1.0)), np.float64)


def impacts(idf: NDArray[np.float32], occurrences: NDArray[Any], norms: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return what each posting adds to a score, float32 [postings]; all arguments have one value per posting."""
    return (idf * (occurrences / (occurrences + norms))).astype(np.float32)
