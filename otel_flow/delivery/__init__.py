"""What upstream's batch processors and exporters do, done once for three signals."""
