-- Channels are leased by a relay, so that the messages of one go out in order and no faster than it takes them.

CREATE TABLE pacing.channel_turns (
    channel text NOT NULL,
    holder uuid NOT NULL,
    leased_until timestamptz NOT NULL,
    turn_at timestamptz NOT NULL,
    CONSTRAINT channel_turns_pkey PRIMARY KEY (channel)
);
COMMENT ON TABLE pacing.channel_turns IS 'Who writes into a channel until when, and from when on anybody may write again.';
COMMENT ON CONSTRAINT channel_turns_pkey ON pacing.channel_turns IS 'One relay writes into a channel.';
GRANT SELECT ON pacing.channel_turns TO pacing_app, pacing_reader;
GRANT INSERT, UPDATE ON pacing.channel_turns TO pacing_app;
