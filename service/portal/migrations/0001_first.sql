-- One set of statements for SQLite and PostgreSQL: TEXT and BIGINT only, times in seconds UTC, octets in
-- base64, yes and no as 1 and 0. Secrets are kept as hashes.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    locale TEXT NOT NULL,
    password TEXT,
    created BIGINT NOT NULL
);
CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    revision BIGINT NOT NULL,
    created BIGINT NOT NULL
);
CREATE TABLE members (
    project_id TEXT NOT NULL REFERENCES projects (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    PRIMARY KEY (project_id, user_id, role)
);
CREATE INDEX members_by_user ON members (user_id);
CREATE TABLE invitations (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    email TEXT NOT NULL,
    roles TEXT NOT NULL,
    secret TEXT NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX invitations_by_project ON invitations (project_id);
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    secret TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id),
    created BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    fresh_until BIGINT NOT NULL,
    agent TEXT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    purpose TEXT NOT NULL,
    public TEXT NOT NULL UNIQUE,
    fingerprint TEXT NOT NULL,
    created BIGINT NOT NULL,
    retired BIGINT
);
CREATE INDEX keys_by_user ON keys (user_id);
CREATE TABLE challenges (
    challenge TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    created BIGINT NOT NULL
);
CREATE TABLE policies (
    project_id TEXT NOT NULL REFERENCES projects (id),
    version BIGINT NOT NULL,
    payload TEXT NOT NULL,
    adopted BIGINT,
    created BIGINT NOT NULL,
    PRIMARY KEY (project_id, version)
);
CREATE TABLE policy_signatures (
    project_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    public TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    signature TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (project_id, version, public),
    FOREIGN KEY (project_id, version) REFERENCES policies (project_id, version) ON DELETE CASCADE
);
CREATE TABLE tables (
    project_id TEXT NOT NULL REFERENCES projects (id),
    handle TEXT NOT NULL,
    name TEXT,
    user_id TEXT NOT NULL REFERENCES users (id),
    schema_text TEXT NOT NULL,
    rules_text TEXT,
    row_count BIGINT NOT NULL,
    file_digest TEXT NOT NULL,
    file_name TEXT NOT NULL,
    archived BIGINT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (handle)
);
CREATE INDEX tables_by_project ON tables (project_id);
CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    size0 BIGINT NOT NULL,
    size1 BIGINT NOT NULL,
    size2 BIGINT NOT NULL,
    chunk BIGINT NOT NULL,
    state TEXT NOT NULL,
    answers TEXT,
    created BIGINT NOT NULL
);
CREATE INDEX uploads_by_user ON uploads (user_id);
CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    state TEXT NOT NULL,
    version BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL
);
CREATE INDEX requests_by_project ON requests (project_id);
CREATE TABLE versions (
    request_id TEXT NOT NULL REFERENCES requests (id),
    version BIGINT NOT NULL,
    payload TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    note TEXT,
    dummy_output TEXT,
    created BIGINT NOT NULL,
    PRIMARY KEY (request_id, version)
);
CREATE TABLE version_tables (
    request_id TEXT NOT NULL REFERENCES requests (id),
    version BIGINT NOT NULL,
    handle TEXT NOT NULL,
    PRIMARY KEY (request_id, version, handle)
);
CREATE INDEX version_tables_by_handle ON version_tables (handle);
CREATE TABLE signatures (
    request_id TEXT NOT NULL REFERENCES requests (id),
    version BIGINT NOT NULL,
    public TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    signature TEXT NOT NULL,
    position BIGINT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (request_id, version, public)
);
CREATE TABLE comments (
    id TEXT PRIMARY KEY,
    request_id TEXT NOT NULL REFERENCES requests (id),
    version BIGINT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    verdict TEXT,
    step BIGINT,
    words TEXT NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX comments_by_request ON comments (request_id);
CREATE TABLE revocations (
    request_id TEXT PRIMARY KEY REFERENCES requests (id),
    envelope TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    created BIGINT NOT NULL
);
CREATE TABLE notices (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    project_id TEXT NOT NULL REFERENCES projects (id),
    request_id TEXT REFERENCES requests (id),
    kind TEXT NOT NULL,
    seen BIGINT,
    mailed BIGINT,
    created BIGINT NOT NULL
);
CREATE INDEX notices_by_user ON notices (user_id, created);
CREATE TABLE journal_heads (
    chain TEXT PRIMARY KEY,
    sequence BIGINT NOT NULL,
    digest TEXT NOT NULL
);
CREATE TABLE journal (
    chain TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    created BIGINT NOT NULL,
    actor TEXT NOT NULL,
    kind TEXT NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (chain, sequence)
);
