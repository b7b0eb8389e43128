"""Talks to one Asterisk over ARI: typed events in (`stream`), a method for each operation out (`client`)."""
