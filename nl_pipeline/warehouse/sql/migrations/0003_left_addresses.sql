-- Main addresses that contacts had when they were read before: an opt-out of such an address is
-- also theirs, as long as it came before they were known to have left it.
CREATE TABLE left_addresses (
    crm_id BIGINT NOT NULL,
    key VARCHAR NOT NULL,
    seen_at TIMESTAMP NOT NULL    -- when the contact was first seen without it
);
