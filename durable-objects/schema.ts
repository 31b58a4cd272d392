/** The tables of a LiveStream (docs/storage.md). They are made when a stream is first claimed, not when somebody names it. */

/** Harmless where they are there already. */
export const TABLES = `
  CREATE TABLE IF NOT EXISTS segment (
    broadcast TEXT NOT NULL, msn INTEGER NOT NULL, session INTEGER NOT NULL, discontinuity INTEGER NOT NULL,
    at REAL NOT NULL, duration REAL, part_count INTEGER, tracks TEXT,
    PRIMARY KEY (broadcast, msn)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS part (
    broadcast TEXT NOT NULL, msn INTEGER NOT NULL, part INTEGER NOT NULL,
    duration REAL NOT NULL, tracks TEXT NOT NULL,
    PRIMARY KEY (broadcast, msn, part)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS late_segment (
    broadcast TEXT NOT NULL, session INTEGER NOT NULL, msn INTEGER NOT NULL,
    at REAL NOT NULL, duration REAL NOT NULL, tracks TEXT NOT NULL,
    PRIMARY KEY (broadcast, session, msn)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS session (
    broadcast TEXT NOT NULL, ordinal INTEGER NOT NULL, lease TEXT, opened_at INTEGER NOT NULL, closed_at INTEGER,
    transcoder TEXT, boot TEXT, renditions TEXT,
    PRIMARY KEY (broadcast, ordinal)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS broadcast (
    id TEXT PRIMARY KEY, started_at INTEGER NOT NULL, ended_at INTEGER, visible INTEGER NOT NULL, head TEXT,
    check_at INTEGER, revision INTEGER NOT NULL DEFAULT 0, walk TEXT, report TEXT
  );
  CREATE TABLE IF NOT EXISTS audience (
    broadcast TEXT PRIMARY KEY, peak INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
    viewers INTEGER NOT NULL, viewer_ms REAL NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS publication (slot INTEGER PRIMARY KEY, number INTEGER NOT NULL, data TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS shard (
    name TEXT PRIMARY KEY, state TEXT NOT NULL, sockets INTEGER NOT NULL, playing INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS broadcast_to_check ON broadcast (check_at) WHERE check_at IS NOT NULL;
`;
