-- People who use the gateway: accounts, their roles, links that let them in, sessions, and how often logins failed.

CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL REFERENCES workspaces (id),
    email TEXT NOT NULL,                   -- in small letters
    name TEXT NOT NULL,
    password_hash TEXT,                    -- argon2id; NULL: none was set yet, or the provider lets this user in
    subject TEXT,                          -- who this is to the OpenID provider
    totp_secret TEXT,                      -- sealed; NULL: no second factor
    totp_pending TEXT,                     -- sealed; becomes totp_secret with its first right code
    totp_step INTEGER NOT NULL DEFAULT 0,  -- the last step whose code was used: none works twice
    recovery_codes TEXT NOT NULL DEFAULT '[]',  -- JSON list of SHA-256, each good once
    created_at INTEGER NOT NULL,
    last_login_at INTEGER,
    disabled_at INTEGER,
    UNIQUE (workspace, email),
    UNIQUE (workspace, subject)
);

CREATE TABLE user_roles (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    environment INTEGER NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    PRIMARY KEY (user_id, environment, role)
) WITHOUT ROWID;

CREATE TABLE user_links (
    hash BLOB PRIMARY KEY,                 -- SHA-256 of the token in the link: it has 256 bits, nothing to guess
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose TEXT NOT NULL CHECK (purpose IN ('invite', 'reset')),
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX user_links_user ON user_links (user_id);

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,             -- SHA-256 of the token in the cookie
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    environment INTEGER NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    is_whole INTEGER NOT NULL,             -- 0: the second factor is still to come
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ip TEXT,
    user_agent TEXT
);
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE login_failures (
    subject BLOB PRIMARY KEY,              -- SHA-256 of an account, an address or a known device
    failures INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX login_failures_age ON login_failures (last_at);
