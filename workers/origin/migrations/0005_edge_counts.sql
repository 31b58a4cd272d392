-- What edges counted, a row a stream and minute, for a day. docs/storage.md says what each column means.
CREATE TABLE edge_counts (
  -- Minutes since 1970, when the report came.
  minute INTEGER NOT NULL,
  stream TEXT NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
  media_hit INTEGER NOT NULL,
  media_stale INTEGER NOT NULL,
  media_collapsed INTEGER NOT NULL,
  media_cold INTEGER NOT NULL,
  media_expired INTEGER NOT NULL,
  media_purged INTEGER NOT NULL,
  media_range INTEGER NOT NULL,
  media_error INTEGER NOT NULL,
  playlists_hit INTEGER NOT NULL,
  playlists_stale INTEGER NOT NULL,
  playlists_collapsed INTEGER NOT NULL,
  playlists_cold INTEGER NOT NULL,
  playlists_expired INTEGER NOT NULL,
  playlists_purged INTEGER NOT NULL,
  playlists_range INTEGER NOT NULL,
  playlists_error INTEGER NOT NULL,
  bucket_reads INTEGER NOT NULL,
  stream_calls INTEGER NOT NULL,
  PRIMARY KEY (minute, stream)
) WITHOUT ROWID;

CREATE TABLE edge_qoe (
  minute INTEGER NOT NULL,
  stream TEXT NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
  requests INTEGER NOT NULL,
  startups INTEGER NOT NULL,
  stalls INTEGER NOT NULL,
  bitrate_sum REAL NOT NULL,
  bitrate_count INTEGER NOT NULL,
  buffer_sum REAL NOT NULL,
  buffer_count INTEGER NOT NULL,
  throughput_sum REAL NOT NULL,
  throughput_count INTEGER NOT NULL,
  latency_sum REAL NOT NULL,
  latency_count INTEGER NOT NULL,
  start_delay_sum REAL NOT NULL,
  start_delay_count INTEGER NOT NULL,
  PRIMARY KEY (stream, minute)
) WITHOUT ROWID;
CREATE INDEX edge_qoe_by_minute ON edge_qoe (minute);
