"""All commands in one place; each group stands in a file of its own."""

import typer

from beatline import accounts, backups, doctor, forces, keys, migrating, people, running
from beatline.demo import command as demo
from beatline.installation import Data, choose

app = typer.Typer(
    name="beatline",
    help="Beatline: neighbourhood policing teams and the public, in conversation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _everywhere(data: Data = None) -> None:
    choose(data)


app.command("demo")(demo.demo)
app.command("serve")(running.serve)
app.command("work")(running.work)
app.command("town", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(running.town)
app.command("migrate")(migrating.migrate)
app.command("doctor")(doctor.doctor)
app.command("backup")(backups.backup)
app.command("restore")(backups.restore)
app.add_typer(forces.force, name="force")
app.add_typer(forces.team, name="team")
app.add_typer(people.person, name="person")
app.add_typer(people.token, name="token")
app.add_typer(accounts.account, name="account")
app.add_typer(keys.keys, name="keys")
