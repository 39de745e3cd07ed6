"""The request and reply formats of other rerankers, one file each; `registry` lists them."""
