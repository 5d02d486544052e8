"""Studies: methods, tasks and seeds side by side, in one table that can be regenerated."""
