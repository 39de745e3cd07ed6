"""The first stage: the nouns of the project, and what finds the top candidates of a query."""
