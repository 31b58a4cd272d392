-- Where events are sent (docs/webhooks.md), and how that does. docs/storage.md says what each column means.
CREATE TABLE webhooks (
  id TEXT PRIMARY KEY,
  url TEXT NOT NULL,
  secret TEXT NOT NULL,
  streams TEXT NOT NULL,
  events TEXT NOT NULL,
  created_at TEXT NOT NULL,
  disabled_at TEXT,
  last_success_at TEXT,
  last_failure_at TEXT,
  last_failure TEXT,
  lost INTEGER NOT NULL DEFAULT 0
);
