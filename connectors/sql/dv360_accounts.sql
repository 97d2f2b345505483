-- Every advertiser and insertion order that ever delivered, with the newest load.
SELECT CAST({{ADVERTISER}} AS VARCHAR) AS ACCOUNT_ID, {{INSERTION_ORDER}} AS CAMPAIGN_NAME, MAX({{LOADED_AT}}) AS LOADED_AT
FROM {{TABLE}} AS PERFORMANCE GROUP BY 1, 2
