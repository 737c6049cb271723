-- Signed documents on their way to the servers, or brought by them: policies and revocations in their envelopes.
-- `object` is the digest of the policy, or of what is revoked.
CREATE TABLE publications (
    project_id TEXT NOT NULL REFERENCES projects (id),
    object TEXT NOT NULL,
    envelope TEXT NOT NULL,
    created BIGINT NOT NULL,
    taken BIGINT,
    refused TEXT,
    PRIMARY KEY (project_id, object)
);
