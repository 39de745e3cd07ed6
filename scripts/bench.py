"""The benchmark, in one run: indexing and query rate against rank-bm25, reranking against sentence-transformers.

    python -m scripts.bench

The help of each part describes what it measures: `python -m scripts.bench_bm25 --help`, `scripts.bench_rerank`.
"""

from __future__ import annotations

from scripts import bench_bm25, bench_rerank

if __name__ == "__main__":
    bench_bm25.main()
    print()
    bench_rerank.main()
