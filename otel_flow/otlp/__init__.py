"""The OTLP wire format: encoders of ours, decoding of export responses, and a receiver."""
