#!/usr/bin/env bash
# Makes internal/local/engine.sqlite.gz, the empty database that the DynamoDB engine of the local run starts with. Needs
# sqlite3; run it again only if a new engine has other tables.
#
# The engine looks for the highest sequence number of a table's stream before every write, and keeps the stream for ever.
# The index makes that one step instead of a search of the whole stream; the trigger drops what is older than a day, as
# DynamoDB does, but never the last record, from which the engine counts on.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$root"/.tools/dynoxide-*/dynoxide --host 127.0.0.1 --port 18000 --db-path "$scratch/engine.sqlite" &
engine=$!
until curl -so /dev/null http://127.0.0.1:18000/; do sleep 0.1; done
kill $engine
wait $engine || true

sqlite3 "$scratch/engine.sqlite" >/dev/null <<'SQL'
CREATE INDEX _stream_order ON _stream_records (table_name, CAST(sequence_number AS INTEGER));
CREATE TRIGGER _stream_age AFTER INSERT ON _stream_records BEGIN
  DELETE FROM _stream_records
  WHERE id IN (SELECT id FROM _stream_records ORDER BY id LIMIT 2) AND created_at < new.created_at - 86400;
END;
PRAGMA user_version = 1; -- by which internal/local knows such a database
PRAGMA wal_checkpoint(TRUNCATE);
VACUUM;
SQL
gzip -9 --no-name --stdout "$scratch/engine.sqlite" >"$root/internal/local/engine.sqlite.gz"
