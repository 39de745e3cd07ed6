"""One table of BM25, a bi-encoder, the teacher and resift's own models on all judged collections.

::

    python -m scripts.evaluate_ladder score WORK --models bi-encoder,small --sets dev --sample 60
    python -m scripts.evaluate_ladder speed WORK
    python -m scripts.evaluate_ladder table WORK --sets dev --json table.json

``score`` scores BM25's top 100 with each model, and appends the scores of each query to a file of the work folder: a
run that is killed continues where it stopped, and parts can be run in any order. ``table`` measures what is there, and
says of how many queries. Fused columns are computed from the same logits and from the share of each text that was read,
with the fusion that a search with the model would use.

The modules, in reading order: ``splits`` is the judged collections and their candidates, ``models`` what is evaluated,
``logits`` the files of scores, ``scoring`` fills them, ``measuring`` computes every cell, ``overview`` and ``targets``
write them down, and ``speed`` times 100 candidates against a named peer.
"""
