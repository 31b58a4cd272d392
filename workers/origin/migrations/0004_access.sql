-- Who may watch a stream. docs/storage.md says what each column means.
ALTER TABLE streams ADD COLUMN access TEXT NOT NULL DEFAULT 'public';
