"""Train, mine, distil, judge and deliver cross-encoders; needs the extra `train`; only the command line imports it."""
