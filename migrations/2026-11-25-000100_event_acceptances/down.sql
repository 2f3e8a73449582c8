DROP TABLE event_acceptances;
