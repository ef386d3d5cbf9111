-- Campaigns whose report was read, with what it said then: a mail may bounce days later.
CREATE TABLE campaign_reports (
    campaign_id VARCHAR PRIMARY KEY,
    sent_at TIMESTAMP,            -- NULL: not of this audience, or called off
    recipients BIGINT NOT NULL,
    hard_bounces BIGINT NOT NULL,
    read_at TIMESTAMP NOT NULL
);
