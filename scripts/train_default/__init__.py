"""Train resift's embedded default reranker from the shared data, on a CPU.

The modules, in reading order:

- ``settings``    all settings, defined once
- ``sources``     training sources and judged collections, read into memory
- ``candidates``  BM25's top 100 of a query within its source
- ``teacher``     the bi-encoder all-MiniLM-L6-v2 and its vectors
- ``groups``      one query with eight passages, drawn at random from a seed
- ``model``       three of the backbone's layers as a cross-encoder; its forward pass
- ``train``       stage 1, the teacher's cosines; stage 2, judgements
- ``evaluate``    nDCG@10 of BM25, of the model, and of the sum of both z-scores
- ``quantize``    int8 with fixed activation ranges
- ``export``      ONNX
- ``deliver``, ``card``  the model's folder in the package

From the root of the checkout, in an environment with resift's ``train`` and ``dev`` extras::

    python -m scripts.train_default all --work-dir WORK --threads 2

or step by step: ``prepare``, ``distill``, ``labels``, ``deliver``, ``evaluate``. An interrupted step
resumes from its last checkpoint. The data is read from ``$RESIFT_SHARED``, or ``shared`` beside the
checkout; nothing is written there.
"""
