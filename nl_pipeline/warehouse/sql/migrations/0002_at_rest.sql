-- Who is at rest: the rows of a person for whom there was nothing to do, by the print of each row.
-- A print is the MD5 of everything a decision looks at; a row without one counts as changed.
ALTER TABLE contacts ADD COLUMN print UHUGEINT;
ALTER TABLE members ADD COLUMN print UHUGEINT;
CREATE TABLE contacts_at_rest (
    print UHUGEINT NOT NULL,
    crm_id BIGINT NOT NULL,
    key VARCHAR                   -- normal form of the main address
);
CREATE TABLE members_at_rest (
    print UHUGEINT NOT NULL,
    key VARCHAR NOT NULL,
    provider_id VARCHAR NOT NULL
);
-- The last consent event of each address in a part of the ledger; consent_now is that of the whole.
CREATE MACRO consents_in(part) AS TABLE
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
FROM query_table(part)
GROUP BY key;
CREATE OR REPLACE VIEW consent_now AS FROM consents_in('consent_ledger');
