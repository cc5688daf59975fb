"""What the command-line tools do; `tools/` only reads their arguments."""
