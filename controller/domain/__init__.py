"""The law of recording, as pure functions over frozen data.

Owns every decision. Knows no clock, no randomness, no input or output: times, draws and facts are handed in.
"""
