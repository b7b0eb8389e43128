"""Recorded audio as pieces of bytes: read, pauses put back, made into MP3, drawn. Pure, and flat in memory."""
