"""FastAGI: the dialplan asks, one connection for each AGI() that it runs. Knows nothing of consent."""
