"""The image and hole pairs that every entry is scored on, and the pictures that they leave."""
