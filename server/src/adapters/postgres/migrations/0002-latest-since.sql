-- When each vital of a patient was last measured was written with every reading, and cost PostgreSQL as much as the
-- reading itself. Now it only says since when to look: rounded down to ten minutes, and so written once in ten minutes.
-- The newest value is the newest row of the history from there on. Times that are there already are true as they are.
alter table latest_vital_time rename to latest_vital_since;
