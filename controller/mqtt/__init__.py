"""Speaks MQTT 5 with a broker: what may be asked of a call under way, and the answer."""
