-- Passkeys: public halves of keys in people's devices, and the challenges that wait for an answer. `data` is what
-- verifies an answer: public key, counter and flags. `holder` is the session, or the hash of the secret in the
-- cookie of a browser in which nobody is signed in yet; each has one open challenge of a kind.
CREATE TABLE passkeys (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    credential TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    data TEXT NOT NULL,
    created BIGINT NOT NULL,
    used BIGINT NOT NULL
);
CREATE INDEX passkeys_by_user ON passkeys (user_id);
CREATE TABLE ceremonies (
    holder TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (holder, kind)
);
-- 1: the user wants no session by the password alone.
ALTER TABLE users ADD COLUMN passkey_needed BIGINT NOT NULL DEFAULT 0;
-- 1: a passkey was shown in this session.
ALTER TABLE sessions ADD COLUMN passkey BIGINT NOT NULL DEFAULT 0;
