"""HTTP providers: one adapter each, all of the same form; `carrier` sends for all of them."""
