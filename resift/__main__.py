"""`python -m resift`: the command line."""

from resift.rerank.cli.main import main

if __name__ == "__main__":
    main()
