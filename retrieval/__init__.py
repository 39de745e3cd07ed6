"""The data types that every part shares, and the first stage, which finds the candidates of a query."""
