"""Measure the HTTP service under load: a second process sends, and every figure is a ratio to a peer of the same run.

::

    python -m scripts.bench_serve throughput        # against scoring the same pairs in this process
    python -m scripts.bench_serve overload          # four times what the service can do
    python -m scripts.bench_serve soak              # memory over 100,000 requests
    python -m scripts.bench_serve peers --peer-python ENVIRONMENT/bin/python
    python -m scripts.bench_serve drain             # SIGTERM under load
    python -m scripts.bench_serve restart           # kill -9

Each prints a Markdown table on standard output, and its progress on standard error. The servers listen on 127.0.0.1
only and end with the script. Linux only, as the memory of the server is read from /proc.

The modules, in reading order: ``requests`` is the queries with their candidates, ``sender`` the second process,
``sending`` starts it, ``server`` starts and stops the servers, ``figures`` makes the tables; then one module for each
command, and ``peers`` with ``peer_model`` and ``peer_server``.
"""
