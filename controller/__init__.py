"""Decides, call by call, whether Asterisk may record, makes it so, and can prove it afterwards."""
