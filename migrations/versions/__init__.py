"""One module for each step, forward and back."""
