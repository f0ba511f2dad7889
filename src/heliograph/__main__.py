"""`heliograph` and `python -m heliograph`."""

from heliograph.cli.program import main

if __name__ == "__main__":
    main()
