-- Leads of LinkedIn: forms, submissions and what became of each. One process at a time writes them.

-- Every version of every form that was seen; questions differ from version to version.
CREATE TABLE lead_forms (
    form_id BIGINT NOT NULL,
    version BIGINT NOT NULL,
    name VARCHAR NOT NULL,
    owner_kind VARCHAR NOT NULL,  -- domain.leads.OwnerKind; '' where LinkedIn did not say
    owner_id BIGINT NOT NULL,
    state VARCHAR NOT NULL,       -- the provider's word: PUBLISHED, ARCHIVED ...
    document JSON NOT NULL,       -- questions, options, consents and hidden fields
    created_at TIMESTAMP,
    seen_at TIMESTAMP NOT NULL,
    PRIMARY KEY (form_id, version)
);
-- Each submission once. One that LinkedIn had us erase keeps its id alone, so that it stays erased.
CREATE TABLE lead_submissions (
    response_id VARCHAR PRIMARY KEY,
    form_id BIGINT NOT NULL,
    form_version BIGINT NOT NULL,
    owner_kind VARCHAR NOT NULL,
    owner_id BIGINT NOT NULL,
    owner_name VARCHAR NOT NULL,
    lead_type VARCHAR NOT NULL,
    campaign_id VARCHAR NOT NULL,
    campaign_name VARCHAR NOT NULL,
    creative_id VARCHAR NOT NULL,
    event_id VARCHAR NOT NULL,
    is_test BOOLEAN NOT NULL,
    submitted_at TIMESTAMP NOT NULL,
    answers JSON,                 -- NULL: erased
    consents JSON,                -- NULL: erased
    contact_key VARCHAR NOT NULL, -- normal form of the answer that finds the contact; '' none
    told_by VARCHAR NOT NULL,     -- push | pull | manual: who told of it first
    stored_at TIMESTAMP NOT NULL,
    state VARCHAR NOT NULL,       -- new | open | creating | imported | erased
    origin VARCHAR NOT NULL,      -- created | found: whether its contact came from it; ''
    crm_id BIGINT,
    written JSON,                 -- values it wrote at the contact, by field
    imported_at TIMESTAMP,
    erased_at TIMESTAMP
);
-- What proves a consent, and what became of it; the ledger names it by its response id.
CREATE TABLE lead_consents (
    response_id VARCHAR NOT NULL,
    key VARCHAR NOT NULL,
    form_id BIGINT NOT NULL,
    form_version BIGINT NOT NULL,
    consent_id BIGINT NOT NULL,
    locale VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    accepted_at TIMESTAMP NOT NULL,
    newsletter VARCHAR NOT NULL,  -- doi | yes
    outcome VARCHAR NOT NULL,     -- granted | opted_out
    recorded_at TIMESTAMP NOT NULL
);
-- What stands in the way of a submission; an answer is never quoted.
CREATE TABLE lead_errors (
    response_id VARCHAR NOT NULL,
    form_id BIGINT NOT NULL,
    reason VARCHAR NOT NULL,
    field VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    what_next VARCHAR NOT NULL,
    stops BOOLEAN NOT NULL,       -- nothing of the submission was imported
    since TIMESTAMP NOT NULL,
    last_at TIMESTAMP NOT NULL,
    settled_at TIMESTAMP          -- NULL: still so
);
-- Runs. They stay when the counters of a form begin anew.
CREATE TABLE lead_imports (
    import_id VARCHAR NOT NULL,
    form_id BIGINT NOT NULL,
    told_by VARCHAR NOT NULL,     -- push | pull | manual
    existing BOOLEAN NOT NULL,
    restart_workflows BOOLEAN NOT NULL,
    all_submissions BOOLEAN NOT NULL,
    started_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    left_out JSON NOT NULL,       -- how many were left, by verdict
    stopped_by VARCHAR NOT NULL   -- code of what ended the run early; ''
);
CREATE TABLE lead_form_state (
    form_id BIGINT PRIMARY KEY,
    discovered_at TIMESTAMP NOT NULL,
    last_push_at TIMESTAMP,
    last_pull_at TIMESTAMP,
    last_manual_at TIMESTAMP,
    counted_since TIMESTAMP NOT NULL,
    imported BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    errors BIGINT NOT NULL
);
-- Notices of LinkedIn: which submission was made or is to be erased. They hold no answers.
CREATE TABLE lead_notices (
    notice_key VARCHAR PRIMARY KEY, -- md5 of submission, action and time
    response_id VARCHAR NOT NULL,
    form_id BIGINT NOT NULL,
    action VARCHAR NOT NULL,      -- CREATED | DELETED
    occurred_at TIMESTAMP NOT NULL,
    received_at TIMESTAMP NOT NULL,
    state VARCHAR NOT NULL,       -- waiting | done | left_out | not_found | not_believed
    tries BIGINT NOT NULL,
    next_try_at TIMESTAMP
);
CREATE TABLE lead_log_segments (
    segment VARCHAR PRIMARY KEY,
    read_bytes BIGINT NOT NULL,
    read_at TIMESTAMP NOT NULL
);
-- Who carries the tag of a saved filter because we set it: only that is ever removed.
CREATE TABLE lead_audience_members (
    audience VARCHAR NOT NULL,
    tag VARCHAR NOT NULL,         -- option key of the newsletter tag
    crm_id BIGINT NOT NULL,
    set_at TIMESTAMP NOT NULL
);
