-- Rows without a day belong to no flight and to no total.
SELECT CAST(COUNT(*) AS NUMBER(38,0)) AS N_ROWS FROM {{TABLE}} AS SPEND_ROWS WHERE DAY IS NULL
