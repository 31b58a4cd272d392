-- Streams, their keys (hashes only) and their broadcasts. docs/storage.md says what each column means.
CREATE TABLE streams (
  id TEXT PRIMARY KEY,
  title TEXT NOT NULL,
  profile TEXT NOT NULL,
  reconnect_seconds INTEGER NOT NULL,
  disabled INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL
);

CREATE TABLE stream_keys (
  hash TEXT PRIMARY KEY,
  stream TEXT NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
  created_at TEXT NOT NULL
);
CREATE INDEX stream_keys_by_stream ON stream_keys (stream);

CREATE TABLE broadcasts (
  id TEXT PRIMARY KEY,
  stream TEXT NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
  state TEXT NOT NULL,
  started_at TEXT NOT NULL,
  ended_at TEXT
);
CREATE INDEX broadcasts_by_stream ON broadcasts (stream, started_at);
CREATE INDEX broadcasts_not_ended ON broadcasts (state) WHERE state <> 'ended';
