"""Images of any sensor: reading, describing, pairing, augmenting, inspecting, simulating."""
