-- The plan as people keep it; which column means what is settled by its header.
SELECT * FROM {{TABLE}}
