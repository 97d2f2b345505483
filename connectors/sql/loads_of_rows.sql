-- Newest load over all rows of each account, whatever their day.
SELECT PLATFORM, ACCOUNT_ID, MAX(LOADED_AT) AS LOADED_AT FROM {{TABLE}} AS SPEND_ROWS GROUP BY 1, 2
