"""Learn from click logs which results answer a query: read them, estimate the position bias, and judge the results."""
