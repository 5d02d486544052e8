"""Settings like those of the papers, as YAML."""
