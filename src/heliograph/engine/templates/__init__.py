"""Templates at work: their versions and approval, what a message that names one reads, and previews."""
