"""Train the ladder of models that resift carries, by what any user runs: fetch, distil, export, fuse, judge.

::

    python -m scripts.train_ladder WORK

The steps are thin calls of other rooms, and each can be stopped and given again:

- ``teacher``  `scripts.fetch_teacher` writes the published cross-encoder and bi-encoder into WORK/models.
- ``corpus``   `sources` joins the files and train splits of $RESIFT_SHARED (or ../shared) into one BEIR folder, and
  takes some queries of each dev split.
- ``larger``   `resift distill` trains the models that begin as layers of the teacher, into WORK/students. `delivery`
  writes each of them as it is in the package, into WORK/delivered: `resift export --int8-only`, and on the dev queries
  `resift tune` and `resift gate`.
- ``longer``   the smaller of them goes on with further queries.
- ``both``     both go on, and learn the mean of the cross-encoder and the bi-encoder.
- ``tiny``     the same as ``larger`` for the model of a new shape.

`scripts.evaluate_ladder` then measures them. Test splits and dl19 are neither trained on nor chosen on.
"""
