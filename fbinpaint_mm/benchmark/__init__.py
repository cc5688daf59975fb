"""Scores, speed and pictures of several models side by side; the command is tools/benchmark.py."""
