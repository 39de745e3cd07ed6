"""Train the ladder of models that resift carries, by what any user runs: fetch, distil, fuse, judge, export.

::

    python -m scripts.train_ladder WORK

The steps are thin calls of other rooms, and each can be stopped and given again:

- ``teacher``  `scripts.fetch_teacher` writes the published cross-encoder into WORK/models.
- ``corpus``   `sources` joins the files and train splits of $RESIFT_SHARED (or ../shared) into one BEIR folder.
- ``distill``  `resift distill` trains all students of `settings`, fits their fusion on dev sets, and asks the gate.
- ``deliver``  `resift export --int8-only` writes each student as it is in the package, into WORK/delivered.

`scripts.evaluate_ladder` then measures them. Test splits and dl19 are neither trained on nor chosen on.
"""
