"""Trainings of a benchmark: their budget, their schedule, and the child process that runs them."""
