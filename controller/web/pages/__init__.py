"""Pages that people read: rendered here, with what little script they need beside them."""
