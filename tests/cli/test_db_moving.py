"""``onward db export | import | move``."""

from __future__ import annotations

from pathlib import Path

from onward import Onward
from onward.cli import exits
from tests.cli.conftest import Cli


def test_export_and_import(app: Onward, cli: Cli, tmp_path: Path) -> None:
    job = app.submit("add", {"a": 1})
    file = str(tmp_path / "all.jsonl.gz")
    said = cli("db", "export", file)
    assert (said.code, "1 jobs" in said.err) == (exits.DONE, True)
    assert cli("db", "export", file).code == exits.INVALID
    refused = cli("db", "import", file)
    assert refused.code == exits.CONFLICT
    assert f"job {job.id}" in refused.err
    assert cli("db", "import", file, "--on-clash", "skip").code == exits.DONE
    assert cli("db", "import", file, "--on-clash", "guess").code == exits.USAGE
    app.delete(app.cancel(job.id).id)
    assert cli("db", "import", file).code == exits.DONE
    assert app.get(job.id).status == "pending"
    Path(file).write_bytes(Path(file).read_bytes()[:-20])
    assert cli("db", "import", file).code == exits.INVALID


def test_move_names_the_new_place_and_has_a_way_back(app: Onward, cli: Cli, tmp_path: Path) -> None:
    app.submit("add", {"a": 1})
    to = f"sqlite:///{tmp_path / 'to.db'}"
    app.database.query("CREATE TABLE assistant_memories (id INTEGER)")
    assert cli("db", "move").code == exits.USAGE
    dry = cli("db", "move", "--to", to, "--dry-run", "--json")
    assert dry.json["rows"]["jobs"] == 1
    assert "Nothing was changed" in dry.err
    done = cli("db", "move", "--to", to)
    assert done.code == exits.DONE
    assert "Now set ONWARD_DATABASE_URL" in done.err
    assert "Not taken along, as they are not onward's own: the tables assistant_memories." in done.err
    refused = cli("job", "list")
    assert refused.code == exits.INVALID
    assert f"was moved to {to}" in refused.err
    assert to in cli("db", "status").out
    assert cli("db", "move", "--back").code == exits.CONFLICT
    assert cli("db", "move", "--back", "--yes").code == exits.DONE
    assert cli("job", "list").code == exits.DONE
    assert "in use" in cli("db", "move", "--back").err
