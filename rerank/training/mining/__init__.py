"""Mine hard negatives: from judgements, pairs or click logs, with the user's own first stage."""
