"""Inpaint in a browser. Needs gradio, the extra ``demo``."""
