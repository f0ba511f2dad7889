DROP TABLE link_states;
DROP TABLE alarm_notices;
DROP TABLE silences;
DROP TABLE alarm_steps;
DROP TABLE alarms;
