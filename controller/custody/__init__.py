"""A recording's life after its call: taken in, listened to, kept as long as it may be, and destroyed."""
