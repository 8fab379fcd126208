"""What the instrumentations of HTTP clients share: one span and one duration a request."""
