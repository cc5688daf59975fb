"""Trainings of a benchmark: their schedule, and the process that runs them."""
