-- One warehouse file per connection. Everything a decision needs is observed first and stored here.
-- Profile columns (f_<field>) are added per field mapping, see migrations.py.

CREATE TABLE connection_state (name VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);

-- Observations -----------------------------------------------------------------------------------
CREATE TABLE contacts (
    crm_id BIGINT NOT NULL,
    key VARCHAR,                 -- normal form of the main address; NULL: none or unusable
    email VARCHAR NOT NULL,      -- main address as written in the CRM
    newsletter VARCHAR NOT NULL, -- domain.states.Newsletter
    eligibility VARCHAR NOT NULL,-- domain.states.Eligibility
    tags VARCHAR[] NOT NULL,     -- option keys
    changed_at TIMESTAMP,
    observed_at TIMESTAMP NOT NULL
);
CREATE TABLE contact_addresses (
    crm_id BIGINT NOT NULL,
    key VARCHAR NOT NULL,
    is_main BOOLEAN NOT NULL
);
CREATE TABLE members (
    key VARCHAR NOT NULL,
    member_id VARCHAR NOT NULL,   -- the id the provider's member endpoints take
    provider_id VARCHAR NOT NULL, -- stable through address changes
    email VARCHAR NOT NULL,
    state VARCHAR NOT NULL,       -- domain.states.ProviderState
    status VARCHAR NOT NULL,      -- the provider's own word
    unsubscribed_by VARCHAR,      -- person | staff | NULL
    owned BOOLEAN NOT NULL,       -- carries our ownership tag
    tags VARCHAR[] NOT NULL,      -- tag names without the ownership tag
    changed_at TIMESTAMP,
    observed_at TIMESTAMP NOT NULL
);
CREATE TABLE evidence (
    kind VARCHAR NOT NULL,        -- signup | before_archiving | contact_missing
    key VARCHAR NOT NULL,
    detail VARCHAR NOT NULL,
    happened_at TIMESTAMP,
    member_changed_at TIMESTAMP,  -- the version of the member the look-up was made for
    looked_up_at TIMESTAMP NOT NULL
);
CREATE TABLE tag_options (key VARCHAR NOT NULL, label VARCHAR NOT NULL);
CREATE TABLE former_tag_labels (key VARCHAR NOT NULL, label VARCHAR NOT NULL);
CREATE TABLE field_options (field VARCHAR NOT NULL, key VARCHAR NOT NULL);
CREATE TABLE snapshots (
    side VARCHAR NOT NULL,        -- crm | provider
    mode VARCHAR NOT NULL,        -- full | incremental
    started_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP NOT NULL,
    announced_before BIGINT NOT NULL,
    announced_after BIGINT NOT NULL,
    rows_read BIGINT NOT NULL,
    complete BOOLEAN NOT NULL,
    accepted BOOLEAN NOT NULL     -- a plan over it was pushed: the measure for later ones
);
CREATE TABLE complaints (member_id VARCHAR NOT NULL);
CREATE TABLE rejected_rows (
    side VARCHAR NOT NULL,
    record_id VARCHAR NOT NULL,
    cause VARCHAR NOT NULL,
    seen_at TIMESTAMP NOT NULL
);
CREATE TABLE cursors (side VARCHAR PRIMARY KEY, value TIMESTAMP NOT NULL);

-- What is known ----------------------------------------------------------------------------------
CREATE TABLE base (
    key VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,        -- pair: confirmed equal; first: seen at the first sync, never equal
    crm_id BIGINT,
    member_id VARCHAR,
    provider_id VARCHAR,
    newsletter VARCHAR NOT NULL,
    eligibility VARCHAR NOT NULL,
    provider_state VARCHAR NOT NULL,
    tags VARCHAR[] NOT NULL,
    confirmed_at TIMESTAMP NOT NULL
);
CREATE SEQUENCE ledger_entry;
CREATE TABLE consent_ledger (
    entry BIGINT DEFAULT nextval('ledger_entry'),
    key VARCHAR NOT NULL,
    event VARCHAR NOT NULL CHECK (event IN ('GRANT', 'WITHDRAW')),
    actor VARCHAR NOT NULL CHECK (actor IN ('person', 'staff', 'provider')),
    proof BOOLEAN NOT NULL,
    happened_at TIMESTAMP,
    recorded_at TIMESTAMP NOT NULL,
    source VARCHAR NOT NULL,
    plan_id VARCHAR
);
CREATE VIEW consent_now AS
SELECT
    key,
    max(entry) AS entry,
    arg_max(happened_at, entry) AS happened_at,
    arg_max(
        CASE
            WHEN event = 'WITHDRAW' THEN 'WITHDRAW_' || upper(actor)
            WHEN proof THEN 'GRANT_PROOF'
            ELSE 'GRANT'
        END,
        entry
    ) AS ledger
FROM consent_ledger
GROUP BY key;

-- Plans and what became of them --------------------------------------------------------------------
CREATE TABLE plans (
    plan_id VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL,
    mode VARCHAR NOT NULL,
    first_sync BOOLEAN NOT NULL,
    complete BOOLEAN NOT NULL,
    verdict VARCHAR NOT NULL,     -- domain.brakes.Verdict
    base_version BIGINT NOT NULL,
    status VARCHAR NOT NULL,      -- open | applied | partial | expired
    applied_at TIMESTAMP,
    released_by VARCHAR,
    release_reason VARCHAR,
    released_at TIMESTAMP
);
CREATE TABLE plan_brakes (
    plan_id VARCHAR NOT NULL,
    brake VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    rows_counted BIGINT NOT NULL,
    rows_allowed BIGINT NOT NULL,
    tripped BOOLEAN NOT NULL
);
CREATE TABLE decisions (
    plan_id VARCHAR NOT NULL,
    key VARCHAR NOT NULL,
    rule_id VARCHAR NOT NULL,
    code VARCHAR NOT NULL,
    listing VARCHAR,
    ledger_entry VARCHAR,
    signup VARCHAR NOT NULL,
    signed_up_at TIMESTAMP,
    base VARCHAR NOT NULL,
    newsletter VARCHAR NOT NULL,
    provider VARCHAR NOT NULL,
    ledger VARCHAR NOT NULL,
    eligibility VARCHAR NOT NULL,
    crm_id BIGINT,
    member_id VARCHAR
);
CREATE TABLE changes (
    plan_id VARCHAR NOT NULL,
    seq BIGINT NOT NULL,
    key VARCHAR NOT NULL,
    side VARCHAR NOT NULL,        -- crm | provider
    action VARCHAR NOT NULL,
    record_id VARCHAR NOT NULL,   -- address id, or the provider's member id; '' for a creation
    rule_id VARCHAR NOT NULL,
    code VARCHAR NOT NULL,
    before JSON NOT NULL,
    after JSON NOT NULL,
    held_by VARCHAR
);
CREATE TABLE field_notes (
    plan_id VARCHAR NOT NULL,
    key VARCHAR NOT NULL,
    crm_id BIGINT,
    field VARCHAR NOT NULL,
    code VARCHAR NOT NULL,        -- both_changed | drift | not_permitted
    crm_value VARCHAR,
    provider_value VARCHAR
);
CREATE SEQUENCE outcome_entry;
CREATE TABLE outcomes (
    entry BIGINT DEFAULT nextval('outcome_entry'),
    plan_id VARCHAR NOT NULL,
    seq BIGINT NOT NULL,
    result VARCHAR NOT NULL,      -- sending | sent | confirmed | refused | failed | unknown | overtaken | no_effect
    cause VARCHAR NOT NULL,
    record_id VARCHAR NOT NULL,
    recorded_at TIMESTAMP NOT NULL
);
CREATE VIEW outcome_now AS
SELECT
    plan_id,
    seq,
    arg_max(result, entry) AS result,
    arg_max(cause, entry) AS cause,
    max(record_id) AS record_id,
    max(recorded_at) AS recorded_at
FROM outcomes
GROUP BY plan_id, seq;

CREATE TABLE activities (
    activity_key VARCHAR NOT NULL,
    key VARCHAR NOT NULL,
    crm_id BIGINT NOT NULL,
    kind VARCHAR NOT NULL,        -- subscribe | unsubscribe | hard_bounce
    happened_at TIMESTAMP NOT NULL,
    note VARCHAR NOT NULL,
    state VARCHAR NOT NULL,       -- planned | sending | written | refused
    record_id VARCHAR NOT NULL,
    cause VARCHAR NOT NULL,
    recorded_at TIMESTAMP NOT NULL
);

-- Backups of both sides, taken before the first sync ------------------------------------------------
CREATE TABLE backups (
    backup_id VARCHAR NOT NULL,
    side VARCHAR NOT NULL,
    record_id VARCHAR NOT NULL,
    document JSON NOT NULL,
    taken_at TIMESTAMP NOT NULL
);
