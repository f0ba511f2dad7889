"""The console: pages for people, rendered here and whole without a script."""
