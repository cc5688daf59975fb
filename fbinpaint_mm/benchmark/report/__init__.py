"""Tables, plots and pictures of a benchmark; no model is run here."""
