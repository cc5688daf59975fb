"""Inpaint in a browser. Only `page` and `serve` need gradio, the extra ``demo``."""
