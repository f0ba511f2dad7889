"""Messages from phones after they were kept: threads, rules, automatic replies, and who looks after whom."""
