-- What happened to subscribers, from webhooks and from the provider's reports alike, and how far the
-- webhook log has been read.
CREATE TABLE subscriber_events (
    event_key VARCHAR NOT NULL,   -- md5 of kind, campaign, addresses and the second
    kind VARCHAR NOT NULL,        -- domain.events.EventKind
    key VARCHAR NOT NULL,         -- '' for a campaign
    former_key VARCHAR NOT NULL,  -- the address before an ADDRESS event
    provider_ref VARCHAR NOT NULL,-- the provider's id of the address
    campaign_id VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    actor VARCHAR NOT NULL,       -- person | staff | ''
    happened_at TIMESTAMP NOT NULL,
    received_at TIMESTAMP NOT NULL,
    source VARCHAR NOT NULL,      -- webhook | history
    believed BOOLEAN NOT NULL,    -- false: a wrong signature
    line_id VARCHAR NOT NULL,
    day DATE NOT NULL,            -- of happened_at
    outcome VARCHAR NOT NULL,     -- domain.events.Outcome
    applied_at TIMESTAMP          -- when nothing was left to do
);
CREATE TABLE webhook_segments (
    segment VARCHAR PRIMARY KEY,
    day DATE NOT NULL,
    read_bytes BIGINT NOT NULL,
    lines BIGINT NOT NULL,
    poison BIGINT NOT NULL,
    torn BOOLEAN NOT NULL,        -- bytes lie behind the last whole line
    read_at TIMESTAMP NOT NULL
);
-- Lines that could not be used; what they hold stays in the log.
CREATE TABLE poison_lines (
    segment VARCHAR NOT NULL,
    at_byte BIGINT NOT NULL,
    line_id VARCHAR NOT NULL,
    cause VARCHAR NOT NULL,
    seen_at TIMESTAMP NOT NULL
);
-- What a change noticed by a sync and an event told by the provider have in common is one activity;
-- which of the two it comes from says what its time means.
ALTER TABLE activities ADD COLUMN source VARCHAR DEFAULT 'plan';  -- plan | event
