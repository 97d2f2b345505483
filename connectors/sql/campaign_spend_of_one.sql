(
    -- The rows of one campaign of one account; the name stands for an id that is null or empty.
    SELECT * FROM {{TABLE}} AS EVERY_ROW WHERE ACCOUNT_ID = ? AND COALESCE(NULLIF(CAMPAIGN_ID, ''), CAMPAIGN_NAME) = ?
)
