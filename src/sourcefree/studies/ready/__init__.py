"""Ready-made studies and tasks, as YAML."""
