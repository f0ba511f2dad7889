"""What is checked of a checkout beside its code: what it depends on."""
