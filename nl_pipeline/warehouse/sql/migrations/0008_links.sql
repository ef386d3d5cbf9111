-- What was clicked: Brevo tells of each click with its link.
ALTER TABLE subscriber_events ADD COLUMN link VARCHAR DEFAULT '';
