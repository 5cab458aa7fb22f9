"""What the command line and the prompt share: streams, reporters, wrong use, internal faults, files written whole."""
