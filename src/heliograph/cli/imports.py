"""`heliograph import`: everything that is read from files, in one place. Each is its own group's `import` as well."""

import typer

from heliograph.cli import campaigns, consent, contacts, prices, templates

program = typer.Typer(
    help="Read what comes from elsewhere: people, their consent, prices, templates.", no_args_is_help=True
)
program.command("contacts")(contacts.import_)
program.command("consent")(consent.import_)
program.command("audience")(campaigns.upload)
program.command("templates")(templates.read_in)
program.command("prices")(prices.import_prices)
