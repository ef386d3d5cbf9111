-- Whose rows are not those that came to rest: marked when a read is stored and when a settlement has
-- put people to rest, so that a plan does not have to compare the whole of both pictures.
CREATE TABLE moved_contacts (
    crm_id BIGINT NOT NULL,
    key VARCHAR                   -- normal form of a main address, the one now or the one at rest
);
CREATE TABLE moved_members (
    provider_id VARCHAR NOT NULL,
    key VARCHAR NOT NULL
);
