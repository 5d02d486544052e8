"""What the package does, one function a file; the command line and Python call the same functions."""
