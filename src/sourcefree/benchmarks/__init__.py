"""The field's data sets, from the form their authors publish to manifests that every command reads."""
