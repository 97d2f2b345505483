-- The columns of a user's own query, without its rows.
SELECT * FROM {{TABLE}} AS SPEND_ROWS LIMIT 0
