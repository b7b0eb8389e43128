"""The steps that bring a database to what ``controller.db.tables`` describes."""
