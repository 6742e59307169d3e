"""What the backend answers to: one module each, found by `app.main`."""
