-- Where encoders of a stream may connect from, and what becomes of a second one. docs/storage.md says what each column means.
ALTER TABLE streams ADD COLUMN allow_addresses TEXT NOT NULL DEFAULT '[]';
ALTER TABLE streams ADD COLUMN standby TEXT NOT NULL DEFAULT 'cold';
