-- One fact of the session: its role, database, schema or warehouse.
SELECT CURRENT_{{WHAT}}() AS FOUND
