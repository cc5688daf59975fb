"""Speed, memory and arithmetic of an entry, measured in a process of its own."""
