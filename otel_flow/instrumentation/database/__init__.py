"""What the adapters of database clients share: instruments, and which targets are recorded."""
