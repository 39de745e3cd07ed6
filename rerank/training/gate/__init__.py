"""The gate: a trained model is promoted only if it is worse than neither its base nor the first stage."""
