"""Parametric object families: functions that draw one random instance of a kind of object."""
