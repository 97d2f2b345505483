-- A login for the monitor that may read what it needs and nothing else. Put in your names, then run it in a worksheet.
-- The monitor writes nothing to Snowflake.

USE ROLE SECURITYADMIN;

-- 1. A role of its own.
CREATE ROLE IF NOT EXISTS PACING_READER COMMENT = 'Reads spend for the pacing monitor';

-- 2. A service user that logs in with a key pair. Make the pair where the monitor runs, and keep the private key there:
--      openssl genrsa 2048 | openssl pkcs8 -topk8 -v2 aes-256-cbc -inform PEM -out snowflake.p8
--      openssl rsa -in snowflake.p8 -pubout -out snowflake.pub
--    Paste the lines of snowflake.pub between BEGIN and END as RSA_PUBLIC_KEY.
USE ROLE USERADMIN;
CREATE USER IF NOT EXISTS PACING_MONITOR
    TYPE = SERVICE
    RSA_PUBLIC_KEY = '<the lines of snowflake.pub, without BEGIN and END>'
    DEFAULT_ROLE = PACING_READER
    DEFAULT_WAREHOUSE = PACING_WH
    COMMENT = 'Pacing monitor';
USE ROLE SECURITYADMIN;
GRANT ROLE PACING_READER TO USER PACING_MONITOR;

-- 3. A small warehouse of its own, and a limit on what it may cost. A run needs seconds, six times a day.
USE ROLE ACCOUNTADMIN;  -- resource monitors are made by ACCOUNTADMIN only
CREATE RESOURCE MONITOR IF NOT EXISTS PACING_LIMIT WITH
    CREDIT_QUOTA = 10
    FREQUENCY = MONTHLY
    START_TIMESTAMP = IMMEDIATELY
    TRIGGERS ON 80 PERCENT DO NOTIFY
             ON 100 PERCENT DO SUSPEND;
CREATE WAREHOUSE IF NOT EXISTS PACING_WH
    WAREHOUSE_SIZE = XSMALL
    AUTO_SUSPEND = 60
    AUTO_RESUME = TRUE
    INITIALLY_SUSPENDED = TRUE
    STATEMENT_TIMEOUT_IN_SECONDS = 600
    RESOURCE_MONITOR = PACING_LIMIT;
GRANT USAGE ON WAREHOUSE PACING_WH TO ROLE PACING_READER;

-- 4. What it reads: two views in a schema of their own, so that the role sees nothing else. Make them as the role that owns your spend.
--    Columns: docs/snowflake.md. SPEND is NUMBER(38,6), DAY the account's day, LOADED_AT is UTC.
USE ROLE SYSADMIN;
CREATE SCHEMA IF NOT EXISTS MARKETING.PACING;
-- CREATE OR REPLACE SECURE VIEW MARKETING.PACING.CAMPAIGN_SPEND AS
--     SELECT PLATFORM, ACCOUNT_ID, CAMPAIGN_ID, CAMPAIGN_NAME, MARKET, PRODUCT, START_DATE, END_DATE, CURRENCY, TIMEZONE, DAY, SPEND,
--            IMPRESSIONS, CLICKS, CONVERSIONS, LOADED_AT
--     FROM MARKETING.RAW.<your table>;
-- CREATE OR REPLACE SECURE VIEW MARKETING.PACING.ACCOUNT_LOADS AS
--     SELECT ACCOUNT_ID, LOADED_AT FROM MARKETING.RAW.<the log of your loader>;
-- Optional, for the cause of a change: SPEND_BY_LINE_ITEM, _AUDIENCE, _CREATIVE, _INVENTORY, _DEVICE, _HOUR (docs/snowflake.md, Breakdowns).
-- CREATE OR REPLACE SECURE VIEW MARKETING.PACING.SPEND_BY_DEVICE AS
--     SELECT PLATFORM, ACCOUNT_ID, CAMPAIGN_ID, DAY, ITEM, SPEND FROM MARKETING.RAW.<your table>;

GRANT USAGE ON DATABASE MARKETING TO ROLE PACING_READER;
GRANT USAGE ON SCHEMA MARKETING.PACING TO ROLE PACING_READER;
GRANT SELECT ON ALL VIEWS IN SCHEMA MARKETING.PACING TO ROLE PACING_READER;
GRANT SELECT ON FUTURE VIEWS IN SCHEMA MARKETING.PACING TO ROLE PACING_READER;

-- 5. See what it may do. `pacing doctor` then checks the same from the monitor's side.
SHOW GRANTS TO ROLE PACING_READER;
