-- One row per campaign, day and item of the campaigns that were asked for, rounded to whole micros before anything is added.
SELECT PLATFORM, ACCOUNT_ID, CAMPAIGN_ID, CAST(DAY AS DATE) AS DAY, CAST(ITEM AS VARCHAR) AS ITEM,
       CAST(SUM({{MICROS}}) AS NUMBER(38,0)) AS SPEND_MICROS
FROM {{TABLE}} AS SPEND_ROWS
WHERE CAST(DAY AS DATE) BETWEEN ? AND ? AND ({{ASKED}})
GROUP BY 1, 2, 3, 4, 5
