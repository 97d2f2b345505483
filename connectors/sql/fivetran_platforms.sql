-- Which accounts the report has ever had, and when their rows were last synced (where it says).
SELECT PLATFORM, CAST(ACCOUNT_ID AS VARCHAR) AS ACCOUNT_ID, MAX({{_FIVETRAN_SYNCED}}) AS LOADED_AT FROM {{TABLE}} AS REPORT GROUP BY 1, 2
