-- What a service refused, or took without effect: not sent again until what was refused changes,
-- its time has come, or a person lifts it.
CREATE TABLE quarantine (
    side VARCHAR NOT NULL,          -- crm | provider: who refused
    key VARCHAR NOT NULL,
    action VARCHAR NOT NULL,        -- '' for a field: it is left out of every change
    record_id VARCHAR NOT NULL,
    field VARCHAR NOT NULL,         -- '' for a whole change
    cause VARCHAR NOT NULL,
    about VARCHAR NOT NULL,         -- domain.refusals.About
    fingerprint VARCHAR NOT NULL,   -- of what was refused: another value is tried at once
    since TIMESTAMP NOT NULL,
    last_tried_at TIMESTAMP NOT NULL,
    tries BIGINT NOT NULL,
    tries_allowed BIGINT NOT NULL,  -- fewer: still sent
    next_try_at TIMESTAMP           -- NULL: not by itself
);
-- What a plan would hold if it were not quarantined.
CREATE TABLE quarantined (
    plan_id VARCHAR NOT NULL,
    side VARCHAR NOT NULL,
    key VARCHAR NOT NULL,
    action VARCHAR NOT NULL,
    record_id VARCHAR NOT NULL,
    field VARCHAR NOT NULL,
    cause VARCHAR NOT NULL,
    since TIMESTAMP NOT NULL,
    next_try_at TIMESTAMP,
    rule_id VARCHAR NOT NULL,
    code VARCHAR NOT NULL,
    crm_id BIGINT,
    member_id VARCHAR
);
-- Fields a push left out of a change because the service refused their value.
CREATE TABLE dropped_fields (
    plan_id VARCHAR NOT NULL,
    seq BIGINT NOT NULL,
    field VARCHAR NOT NULL,
    cause VARCHAR NOT NULL
);
