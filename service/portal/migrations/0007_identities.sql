-- Who signs in at another house: an identity is the issuer and its name for the person, never an address.
CREATE TABLE identities (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    created BIGINT NOT NULL,
    used BIGINT NOT NULL,
    UNIQUE (issuer, subject)
);
CREATE INDEX identities_by_user ON identities (user_id);
-- On their way to the provider and back. What only some of them need is empty in the others.
CREATE TABLE sign_ins (
    secret TEXT PRIMARY KEY,
    issuer TEXT NOT NULL,
    aim TEXT NOT NULL,
    session_id TEXT NOT NULL,
    invitation TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    place TEXT NOT NULL,
    created BIGINT NOT NULL
);
