-- Last load of each account's feed, whether or not rows changed.
SELECT {{PLATFORM}} AS PLATFORM, ACCOUNT_ID, MAX(LOADED_AT) AS LOADED_AT FROM {{TABLE}} AS ACCOUNT_LOADS GROUP BY 1, 2
