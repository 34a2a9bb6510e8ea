"""The flow as a picture."""
