"""What ``make bench`` measures: real calls under load, and the daemon alone without a PBX."""
