"""The libraries that are instrumented: one module each, loaded when its library is."""
