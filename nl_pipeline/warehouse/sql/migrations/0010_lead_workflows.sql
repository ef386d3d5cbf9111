-- Entries of contacts into a workflow at the provider, wanted because of a lead.
CREATE TABLE lead_workflow_entries (
    response_id VARCHAR NOT NULL,
    form_id BIGINT NOT NULL,
    key VARCHAR NOT NULL,         -- normal form of the address
    workflow VARCHAR NOT NULL,    -- what is told to the provider: a journey's step, or an event
    planned_at TIMESTAMP NOT NULL,
    state VARCHAR NOT NULL,       -- waiting | entering | entered | limited | refused
    entered_at TIMESTAMP,
    cause VARCHAR NOT NULL
);
